"""Random lives of customers: one long step of a clock and many short ones make the same history, and no period
is billed twice or left out.
"""

import json
import re
import time
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .lives import DAY, START, Life
from .timing import at

HORIZON = 110
# Days on which calendars are awkward.
STARTS = [at(2026, 1, 31, 12), at(2028, 2, 29, 23, 59, 59), at(2027, 12, 31), at(2026, 3, 15, 7, 30), at(2028, 1, 30)]
METHODS = ["pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired", None]
INTERVALS = [("month", 1), ("week", 2), ("month", 2), ("year", 1), ("day", 9)]
NO_CREDIT: Any = {"unused_time_from": {"type": "none"}}
STEADY = ("cancel_later", "cancel_never", "good_card", "bad_card", "fail_next", "pay", "charge", "pause_collection")
SHAKY = ("trial_now", "trial_later", "pause", "resume", "cancel_prorated")
# With a prefix or two, or bare, as the ids of meter events are.
_ID = re.compile(r"\b(upcoming_in|evt_test|[a-z]+)_[0-9A-Za-z]{8,}(_secret_\w+)?|\b[0-9A-Za-z]{24}\b")
_LEFT_OUT = ("_meta", "_heard", "_delivery", "_idempotency", "test_helpers.test_clock", "event")


@st.composite
def plans(draw: st.DrawFn, actions: tuple[str, ...]) -> dict[str, Any]:
    intervals = draw(st.lists(st.sampled_from(INTERVALS), min_size=1, max_size=2, unique=True))
    moments = st.integers(0, HORIZON * DAY)
    trial = draw(st.sampled_from([0, 0, 2, 20]))
    terms: dict[str, Any] = draw(st.sampled_from([{}, {"collection_method": "send_invoice", "days_until_due": 5}]))
    behavior = draw(st.sampled_from(["cancel", "pause", "create_invoice"]))
    if trial:
        terms = {
            **terms,
            "trial_period_days": trial,
            "trial_settings": {"end_behavior": {"missing_payment_method": behavior}},
        }
    return {
        "start": draw(st.sampled_from(STARTS)),
        "intervals": intervals,
        "method": draw(st.sampled_from(METHODS)),
        "terms": terms,
        "ending": draw(st.sampled_from(["cancel", "unpaid", "past_due"])),
        "actions": sorted(draw(st.lists(st.tuples(moments, st.sampled_from(actions)), max_size=5))),
        "stops": draw(st.lists(moments, max_size=25)),
    }


def lived(plan: dict[str, Any], stops: list[int]) -> Life:
    """A life by the plan, whose clock also stops at these seconds after the start."""
    life = Life(plan["start"])
    life.control("settings", after_final_failure=plan["ending"])
    customer = life.customer(plan["method"])
    prices = [life.price(1000 + 7 * number, *each) for number, each in enumerate(plan["intervals"])]
    terms = {"payment_behavior": "default_incomplete", **plan["terms"]}
    subscription = life.subscribe(customer, *prices, **terms)["id"]
    first = life.get(f"/v1/subscriptions/{subscription}")["latest_invoice"]
    life.call("POST", f"/v1/invoices/{first}/pay", expect=0)
    todo = [*plan["actions"], *((stop, "") for stop in stops), (HORIZON * DAY, "")]
    for moment, action in sorted(todo, key=lambda each: each[0]):
        if plan["start"] + moment > life.now:
            life.leap(plan["start"] + moment)
        if action:
            act(life, action, customer, subscription)
    return life


def act(life: Life, action: str, customer: str, subscription: str) -> None:
    """One request; what it answers does not matter, only that both lives get the same answer."""
    path = f"/v1/subscriptions/{subscription}"
    if action == "cancel_prorated":
        life.call("DELETE", path, expect=0, prorate=True, invoice_now=True)
    elif action == "fail_next":
        life.control("fail", customer=customer, times=2, code="stolen_card")
    elif action in ("good_card", "bad_card"):
        method = "pm_card_visa" if action == "good_card" else "pm_card_chargeCustomerFail"
        attached = life.post(f"/v1/payment_methods/{method}/attach", customer=customer)["id"]
        life.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": attached})
    elif action == "pay":
        for invoice in life.get("/v1/invoices", customer=customer, status="open")["data"]:
            life.call("POST", f"/v1/invoices/{invoice['id']}/pay", expect=0)
    elif action == "charge":
        life.post("/v1/invoiceitems", customer=customer, amount=333, currency="usd")
    elif action in ("pause", "resume"):
        how: Any = {"bill_for": NO_CREDIT} if action == "pause" else {"payment_behavior": "resume_on_payment_success"}
        life.call("POST", f"{path}/{action}", expect=0, **how)
    else:
        life.call("POST", path, expect=0, **changes(action, life.now))


def changes(action: str, now: int) -> Any:
    """The parameters of an update."""
    return {
        "cancel_later": {"cancel_at_period_end": True},
        "cancel_never": {"cancel_at_period_end": False},
        "trial_now": {"trial_end": "now"},
        "trial_later": {"trial_end": now + 6 * DAY},
        "pause_collection": {"pause_collection": {"behavior": "void", "resumes_at": now + 12 * DAY}},
    }[action]


def history(life: Life) -> str:
    """Events and objects without the clock's own, with ids by order of appearance."""
    events = [event for event in life.events() if not event["type"].startswith("test_helpers")]
    objects = {kind: list(bodies.values()) for kind, bodies in life.store.objects.items() if kind not in _LEFT_OUT}
    agenda = [{key: entry[key] for key in ("at", "what", "object")} for entry in objects.pop("_agenda", [])]
    agenda.sort(key=lambda entry: (entry["at"], entry["what"]))
    known: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return known.setdefault(found[0], f"{found[1]}_{len(known)}")

    # Keys in their own order: some are ids.
    text = json.dumps([events, dict(sorted(objects.items())), agenda], indent=1)
    return _ID.sub(numbered, text)


def billed(life: Life) -> dict[str, list[tuple[int, int]]]:
    """Per subscription item the periods that were billed, in order."""
    found: dict[str, list[tuple[int, int]]] = {}
    for invoice in life.store.objects["invoice"].values():
        for line in invoice["lines"]["data"]:
            details = line["parent"]["subscription_item_details"]
            if details is not None and not details["proration"]:
                period = (line["period"]["start"], line["period"]["end"])
                found.setdefault(details["subscription_item"], []).append(period)
    return found


def test_two_years_of_monthly_billing_take_less_than_two_seconds() -> None:
    life = Life(START)
    life.subscribe(life.customer(), life.price())
    began = time.process_time()
    life.leap(START + 731 * DAY)
    assert time.process_time() - began < 2
    assert len(life.store.objects["invoice"]) == 25


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans(STEADY + SHAKY))
def test_one_step_or_many_make_the_same_history(plan: dict[str, Any]) -> None:
    assert history(lived(plan, [])) == history(lived(plan, plan["stops"]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans(STEADY))
def test_no_period_is_billed_twice_and_none_is_skipped(plan: dict[str, Any]) -> None:
    life = lived(plan, [])
    for periods in billed(life).values():
        assert periods[0][0] == plan["start"]
        assert all(before[1] == after[0] for before, after in pairwise(periods))
    subscription = next(iter(life.store.objects["subscription"].values()))
    if subscription["status"] in ("active", "past_due", "unpaid"):
        ends = {item["id"]: item["current_period_end"] for item in subscription["items"]["data"]}
        assert {item: periods[-1][1] for item, periods in billed(life).items()} == ends
        assert min(ends.values()) > life.now
    for invoice in life.store.objects["invoice"].values():
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]
