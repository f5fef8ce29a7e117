"""Random lives of customers, step by step: plans, quantities, items, usage, coupons, taxes, trials, pauses, failed
payments and credit notes in any order. After each step the sums hold; each life is lived twice, by long steps of its
clock and by short ones, and both make the same history.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from difflib import unified_diff
from itertools import islice
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from .lives import DAY
from .members import METHODS, Member, billed_twice, skipped
from .test_invoice_properties import check
from .test_previews import figures
from .test_time_properties import STARTS, history

# Some 0.25 s of CPU each: every run of the suite tries others, and LIVES=2000 is the whole demonstration.
LIVES = int(os.environ.get("LIVES", "50"))
STEPS = 16
HOUR_AND_A_BIT = 3700
BEHAVIORS = st.sampled_from(["create_prorations", "create_prorations", "always_invoice", "always_invoice", "none"])
which = st.integers(0, 3)
starts = st.fixed_dictionaries(
    {
        "start": st.sampled_from(STARTS),
        "method": st.sampled_from(["good", "good", "good", "bad"]),
        "ending": st.sampled_from(["cancel", "unpaid", "past_due"]),
        "price": st.integers(0, 2),
        "quantity": st.integers(1, 3),
        "metered": st.booleans(),
        "tax": st.sampled_from([None, True, False]),
        "coupon": st.sampled_from([None, None, 0, 1, 2]),
        "trial": st.sampled_from([0, 0, 3, 20]),
    }
)


class Lives(RuleBasedStateMachine):
    """One member twice: `one` lives by long steps, `other` also stops on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.settled = True  # no change asked not to be prorated

    @initialize(terms=starts)
    def begin(self, terms: dict[str, Any]) -> None:
        self.one, self.other = Member(terms), Member(terms)

    def both(self, do: Callable[[Member], Any]) -> Any:
        """What the first answers; the second must be refused where the first is."""
        answer, again = do(self.one), do(self.other)
        assert ("error" in answer) == ("error" in again)
        return answer

    def change_items(self, entry: Callable[[Member], Any], behavior: str, **more: Any) -> Any:
        """`entry` makes the item's entry, or None where there is nothing to change."""
        if entry(self.one) is None:
            return None
        self.settled &= behavior != "none"
        return self.both(lambda who: who.change(items=[entry(who)], proration_behavior=behavior, **more))

    @rule(days=st.integers(0, 40), seconds=st.integers(1, DAY), stops=st.lists(st.integers(1, 999), max_size=6))
    def time_goes_by(self, days: int, seconds: int, stops: list[int]) -> None:
        now = self.one.life.now
        length = days * DAY + seconds
        self.one.live_to(now + length)
        self.other.live_to(now + length, [now + length * part // 1000 for part in stops])

    @rule()
    def renewal_costs_what_its_preview_says(self) -> None:
        before = self.one.subscription
        if before["status"] not in ("active", "past_due", "trialing") or before["pause_collection"] is not None:
            return
        ends = min(item["current_period_end"] for item in before["items"]["data"])
        for who in (self.one, self.other):
            who.live_to(ends - 1)
        quoted = self.one.post("/v1/invoices/create_preview", subscription=before["id"])
        known = len(self.one.invoices())
        for who in (self.one, self.other):
            who.live_to(ends + HOUR_AND_A_BIT)
        made = [each for each in self.one.invoices()[known:] if each["billing_reason"] == "subscription_cycle"]
        assert ("error" in quoted) == (made == [])
        assert not made or figures(quoted) == figures(made[0])

    @rule(item=which, price=which, behavior=BEHAVIORS, pending=st.booleans())
    def plan(self, item: int, price: int, behavior: str, *, pending: bool) -> None:
        def entry(who: Member) -> Any:
            items = who.items(licensed=True)
            return {"id": items[item % len(items)]["id"], "price": who.prices[price]} if items else None

        how = "pending_if_incomplete" if pending else "allow_incomplete"
        self.change_items(entry, behavior, payment_behavior=how)

    @rule(item=which, quantity=st.integers(-1, 5), behavior=BEHAVIORS)
    def quantity(self, item: int, quantity: int, behavior: str) -> None:
        def entry(who: Member) -> Any:
            items = who.items(licensed=True)
            return {"id": items[item % len(items)]["id"], "quantity": quantity} if items else None

        answer = self.change_items(entry, behavior)
        assert quantity >= 0 or answer is None or answer["error"]["type"] == "invalid_request_error"

    @rule(price=which, behavior=BEHAVIORS)
    def another_item(self, price: int, behavior: str) -> None:
        self.change_items(lambda who: {"price": who.prices[price]}, behavior)

    @rule(item=which, behavior=BEHAVIORS)
    def one_item_less(self, item: int, behavior: str) -> None:
        def entry(who: Member) -> Any:
            items = who.items()
            return {"id": items[item % len(items)]["id"], "deleted": True} if items else None

        self.change_items(entry, behavior)

    @rule(item=which, price=which, quantity=st.integers(1, 4))
    def a_change_costs_what_its_preview_says(self, item: int, price: int, quantity: int) -> None:
        items = self.one.items(licensed=True)
        if not items:
            return
        number = item % len(items)

        def details(who: Member) -> Any:
            own = who.items(licensed=True)[number]["id"]
            entry = {"id": own, "price": who.prices[price], "quantity": quantity}
            return {"items": [entry], "proration_behavior": "always_invoice"}

        before = self.one.subscription
        quoted = self.one.post(
            "/v1/invoices/create_preview", subscription=before["id"], subscription_details=details(self.one)
        )
        changed = self.both(lambda who: who.change(**details(who)))
        if "error" not in changed and changed["latest_invoice"] != before["latest_invoice"]:
            made = self.one.life.get(f"/v1/invoices/{changed['latest_invoice']}")
            assert figures(quoted) == figures(made)

    @rule(behavior=BEHAVIORS)
    def a_new_anchor(self, behavior: str) -> None:
        self.settled &= behavior != "none"
        self.both(lambda who: who.change(billing_cycle_anchor={"type": "now"}, proration_behavior=behavior))

    @rule(value=st.integers(0, 50), ago=st.integers(0, 5 * DAY))
    def usage(self, value: int, ago: int) -> None:
        self.both(lambda who: who.use(value, ago))

    @rule(coupon=st.integers(0, 2))
    def a_coupon(self, coupon: int) -> None:
        self.both(lambda who: who.change(discounts=[{"coupon": who.coupons[coupon]}]))

    @rule(amount=st.integers(-500, 1500))
    def an_invoice_item(self, amount: int) -> None:
        self.both(lambda who: who.post("/v1/invoiceitems", customer=who.id, amount=amount, currency="usd"))

    @rule(amount=st.integers(-3000, 1000).filter(bool))
    def an_adjustment(self, amount: int) -> None:
        self.both(lambda who: who.post(f"/v1/customers/{who.id}/balance_transactions", amount=amount, currency="usd"))

    @rule(seconds=st.integers(60, 10 * DAY))
    def a_trial(self, seconds: int) -> None:
        self.both(lambda who: who.change(trial_end=who.life.now + seconds))

    @rule(behavior=st.sampled_from(["void", "keep_as_draft", "mark_uncollectible"]), days=st.integers(1, 40))
    def collection_pauses(self, behavior: str, days: int) -> None:
        how = {"behavior": behavior}
        self.both(lambda who: who.change(pause_collection={**how, "resumes_at": who.life.now + days * DAY}))

    @rule(seconds=st.integers(100, 60 * DAY), behavior=BEHAVIORS)
    def an_end(self, seconds: int, behavior: str) -> None:
        self.settled &= behavior != "none"
        self.both(lambda who: who.change(cancel_at=who.life.now + seconds, proration_behavior=behavior))

    @rule(ends=st.booleans())
    def end_of_the_period(self, *, ends: bool) -> None:
        self.both(lambda who: who.change(cancel_at_period_end=ends))

    @rule(verb=st.sampled_from(["pause", "resume", "resume"]))
    def subscription_pauses(self, verb: str) -> None:
        self.both(lambda who: who.post(f"{who.path}/{verb}"))

    @rule(kind=st.sampled_from(sorted(METHODS)))
    def another_card(self, kind: str) -> None:
        self.both(lambda who: who.take_card(kind))

    @rule(times=st.integers(1, 3))
    def payments_fail(self, times: int) -> None:
        for who in (self.one, self.other):
            who.life.control("fail", customer=who.id, times=times, code="insufficient_funds")

    @rule()
    def what_is_open_is_paid(self) -> None:
        def pay(who: Member) -> Any:
            answers = [who.post(f"/v1/invoices/{each['id']}/pay") for each in who.invoices("open")]
            return {"error": [each["error"]["code"] for each in answers if "error" in each]}

        self.both(pay)

    @rule(part=st.integers(1, 100), invoice=which)
    def a_credit_note(self, part: int, invoice: int) -> None:
        def credit(who: Member) -> Any:
            found = [each for each in who.invoices() if each["status"] in ("open", "paid") and each["total"] > 0]
            if not found:
                return {}
            body = found[invoice % len(found)]
            amount = max(1, body["total"] * part // 100)
            back = max(0, amount - body["amount_remaining"])
            more = {"credit_amount": back} if back else {}
            return who.post("/v1/credit_notes", invoice=body["id"], amount=amount, **more)

        self.both(credit)

    @invariant()
    def sums_hold(self) -> None:
        for invoice in self.one.invoices():
            credited = invoice["pre_payment_credit_notes_amount"]
            whole = {name: invoice[name] + credited for name in ("amount_due", "amount_remaining")}
            check({**invoice, **whole}, 1)
        moves = list(self.one.life.store.objects.get("customer_balance_transaction", {}).values())
        balance = 0
        for move in moves:
            balance += move["amount"]
            assert move["ending_balance"] == balance
        assert self.one.life.get(f"/v1/customers/{self.one.id}")["balance"] == balance

    @invariant()
    def no_time_is_billed_twice_or_skipped(self) -> None:
        if not self.settled:
            return
        assert billed_twice(self.one) == []
        if not self.one.happened("customer.subscription.paused"):
            assert skipped(self.one) == []

    def teardown(self) -> None:
        if hasattr(self, "one"):
            assert differences(history(self.one.life), history(self.other.life)) == []


def differences(one: str, other: str) -> list[str]:
    """The first lines that differ; pytest's own comparison of two such texts takes minutes."""
    if one == other:
        return []
    return list(islice(unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=3), 30))


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=LIVES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

_LIFE = """
import hashlib, time
from tests.sandbox.members import Member
from tests.sandbox.test_time_properties import STARTS, history
terms = dict(method="good", ending="cancel", price=0, quantity=2, metered=True, tax=False, coupon=2, trial=3)
found = ""
for start in STARTS:
    who = Member({"start": start, **terms})
    for days, price in ((20, 1), (50, 2), (100, 0)):
        who.live_to(start + days * 86400)
        who.use(5, 3600)
        entry = {"id": who.items(licensed=True)[0]["id"], "price": who.prices[price]}
        assert "error" not in who.change(items=[entry], proration_behavior="create_prorations")
    who.live_to(start + 150 * 86400)
    found += history(who.life)
print(time.localtime(0).tm_gmtoff, hashlib.sha256(found.encode()).hexdigest())
"""


def lived_in(zone: str) -> list[str]:
    """The offset of that time zone in seconds, and a digest of some lives; keys stand in one order in all processes."""
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-c", _LIFE]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()


def test_the_time_zone_of_the_process_changes_nothing() -> None:
    told = [lived_in(zone) for zone in ("UTC", "America/Sao_Paulo", "Pacific/Kiritimati")]
    assert len({offset for offset, _ in told}) == 3
    assert len({digest for _, digest in told}) == 1
