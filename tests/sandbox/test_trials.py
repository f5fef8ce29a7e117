"""Trials: announced, ended by time, by hand, and without a payment method in three ways."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import product_with_price
from .timing import DAY, START, advance, at, clock_at, clocked_customer, told

HOUR = 3600
END = START + 14 * DAY


def trial(sandbox: Sandbox, method: str | None = "pm_card_visa", **more: Any) -> tuple[str, Any]:
    """A clock and a trial of two weeks on it."""
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id, method)
    params: Any = {"customer": customer, "items": [{"price": price.id}], "trial_period_days": 14, **more}
    return clock.id, sandbox.client.v1.subscriptions.create({k: v for k, v in params.items() if v is not None})


def fresh(sandbox: Sandbox, subscription: Any) -> Any:
    return sandbox.client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})


def missing(behavior: str, **more: str) -> Any:
    return {"end_behavior": {"missing_payment_method": behavior, **more}}


def test_a_trial_is_announced_and_then_paid(sandbox: Sandbox) -> None:
    clock, subscription = trial(sandbox)
    assert (subscription.status, subscription.billing_cycle_anchor) == ("trialing", END)
    advance(sandbox, clock, END)
    begun = fresh(sandbox, subscription)
    item = begun["items"].data[0]
    assert (begun.status, item.current_period_start, item.current_period_end) == ("active", END, at(2026, 2, 15))
    assert (begun.trial_start, begun.trial_end) == (START, END)
    draft = begun.latest_invoice
    assert (draft.status, draft.billing_reason, draft.total) == ("draft", "subscription_cycle", 2900)
    advance(sandbox, clock, END + HOUR)
    assert fresh(sandbox, subscription).latest_invoice.status == "paid"
    assert told(sandbox, END - 7 * DAY, "customer.subscription", "invoice.")[:4] == [
        (0, "invoice.upcoming"),
        (4 * DAY, "customer.subscription.trial_will_end"),
        (7 * DAY, "customer.subscription.updated"),
        (7 * DAY, "invoice.created"),
    ]


def test_a_short_trial_is_announced_at_once(sandbox: Sandbox) -> None:
    _, subscription = trial(sandbox, trial_period_days=2)
    types = [kind for _, kind in told(sandbox, START, "customer.subscription")]
    assert types == ["customer.subscription.created", "customer.subscription.trial_will_end"]
    assert subscription.status == "trialing"


def test_without_a_method_the_trial_cancels(sandbox: Sandbox) -> None:
    clock, subscription = trial(sandbox, None, trial_settings=missing("cancel"))
    advance(sandbox, clock, END)
    gone = fresh(sandbox, subscription)
    assert (gone.status, gone.ended_at, gone.latest_invoice.total) == ("canceled", END, 0)
    assert told(sandbox, END, "customer.subscription", "invoice.") == [(0, "customer.subscription.deleted")]


def test_without_a_method_the_trial_pauses_until_it_is_resumed(sandbox: Sandbox) -> None:
    clock, subscription = trial(sandbox, None, trial_settings=missing("pause"))
    advance(sandbox, clock, END + 20 * DAY)
    paused = fresh(sandbox, subscription)
    assert (paused.status, paused.status_details.paused.transitioned_at) == ("paused", END)
    assert paused.status_details.paused.subscription.type == "trial_end_without_payment_method"
    assert [kind for _, kind in told(sandbox, END, "customer.subscription", "invoice.")] == [
        "customer.subscription.updated", "customer.subscription.paused",
    ]  # fmt: skip
    v1 = sandbox.client.v1
    attached = v1.payment_methods.attach("pm_card_visa", {"customer": str(paused.customer)})
    v1.subscriptions.update(subscription.id, {"default_payment_method": attached.id})
    resumed = v1.subscriptions.resume(subscription.id, {"payment_behavior": "resume_on_payment_success"})
    now = END + 20 * DAY
    item = resumed["items"].data[0]
    assert (resumed.status, item.current_period_start, resumed.billing_cycle_anchor) == ("active", now, now)
    assert "status_details" not in resumed.to_dict()
    assert fresh(sandbox, subscription).latest_invoice.status == "paid"
    assert told(sandbox, now, "customer.subscription")[-1] == (0, "customer.subscription.resumed")


def test_without_a_method_an_invoice_fails(sandbox: Sandbox) -> None:
    clock, subscription = trial(sandbox, None)
    advance(sandbox, clock, END)
    assert fresh(sandbox, subscription).status == "active"
    advance(sandbox, clock, END + HOUR)
    late = fresh(sandbox, subscription)
    assert (late.status, late.latest_invoice.status, late.latest_invoice.attempt_count) == ("past_due", "open", 1)
    assert [kind for _, kind in told(sandbox, END + HOUR, "invoice.", "customer.")] == [
        "invoice.finalized", "invoice.updated", "invoice.payment_failed", "customer.updated",
        "customer.subscription.updated",
    ]  # fmt: skip


def test_ending_a_trial_now_collects_now(sandbox: Sandbox) -> None:
    clock, subscription = trial(sandbox)
    advance(sandbox, clock, START + DAY)
    ended = sandbox.client.v1.subscriptions.update(subscription.id, {"trial_end": "now"})
    item = ended["items"].data[0]
    assert (ended.status, ended.trial_end, ended.billing_cycle_anchor) == ("active", START + DAY, START + DAY)
    assert (item.current_period_start, item.current_period_end) == (START + DAY, at(2026, 2, 2))
    invoice = fresh(sandbox, subscription).latest_invoice
    assert (invoice.status, invoice.billing_reason, invoice.total) == ("paid", "subscription_update", 2900)
    advance(sandbox, clock, END)
    assert "customer.subscription.trial_will_end" not in [k for _, k in told(sandbox, START, "customer.")]


@pytest.mark.parametrize(("behavior", "status"), [("allow_incomplete", "past_due"), ("default_incomplete", "past_due")])
def test_a_refused_card_at_the_end_of_a_trial(shared: Sandbox, behavior: Any, status: str) -> None:
    _, subscription = trial(shared, "pm_card_chargeCustomerFail")
    ended = shared.client.v1.subscriptions.update(subscription.id, {"trial_end": "now", "payment_behavior": behavior})
    assert (ended.status, fresh(shared, subscription).latest_invoice.status) == (status, "open")


def test_a_trial_goes_on_when_its_end_cannot_be_paid_and_must_be(shared: Sandbox) -> None:
    _, subscription = trial(shared, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        shared.client.v1.subscriptions.update(
            subscription.id, {"trial_end": "now", "payment_behavior": "error_if_incomplete"}
        )
    assert fresh(shared, subscription).status == "trialing"


def test_moving_the_end_of_a_trial(sandbox: Sandbox) -> None:
    clock, subscription = trial(sandbox)
    api = sandbox.client.v1.subscriptions
    later = api.update(subscription.id, {"trial_end": END + 30 * DAY})
    assert (later.trial_end, later.billing_cycle_anchor) == (END + 30 * DAY, END + 30 * DAY)
    assert later["items"].data[0].current_period_end == END + 30 * DAY
    advance(sandbox, clock, END)
    assert fresh(sandbox, subscription).status == "trialing"
    api.update(subscription.id, {"trial_end": END + 2 * DAY})
    assert told(sandbox, END, "customer.subscription") == [
        (0, "customer.subscription.updated"),
        (0, "customer.subscription.trial_will_end"),
    ]
    advance(sandbox, clock, END + 2 * DAY)
    assert fresh(sandbox, subscription).status == "active"
    again = api.update(subscription.id, {"trial_end": END + 5 * DAY, "proration_behavior": "none"})
    assert (again.status, again.trial_start, again.trial_end) == ("trialing", END + 2 * DAY, END + 5 * DAY)


def test_an_anchor_after_the_trial_bills_the_part_between(shared: Sandbox) -> None:
    first = at(2026, 2, 1)
    clock, subscription = trial(shared, billing_cycle_anchor=first)
    assert subscription.billing_cycle_anchor == first
    advance(shared, clock, END + HOUR)
    begun = fresh(shared, subscription)
    item = begun["items"].data[0]
    assert (item.current_period_start, item.current_period_end) == (END, first)
    # 17 of the 31 days of January.
    assert begun.latest_invoice.total == round(2900 * 17 / 31)
    clock, subscription = trial(
        shared, billing_cycle_anchor=first, trial_settings=missing("create_invoice", billing_cycle_anchor="now")
    )
    advance(shared, clock, END)
    assert fresh(shared, subscription).latest_invoice.total == 2900


def test_a_trial_of_a_paying_subscription_gives_back_what_was_paid(shared: Sandbox) -> None:
    clock, subscription = trial(shared, trial_end="now", trial_period_days=None)
    advance(shared, clock, START + 11 * DAY)
    again = shared.client.v1.subscriptions.update(subscription.id, {"trial_end": START + 20 * DAY})
    assert (again.status, again.trial_start) == ("trialing", START + 11 * DAY)
    invoice = fresh(shared, subscription).latest_invoice
    # 20 of January's 31 days, and a line for the trial.
    assert [line.amount for line in invoice.lines.data] == [-1871, 0]
    assert shared.client.v1.customers.retrieve(str(subscription.customer)).balance == -1871


@pytest.mark.parametrize(
    ("terms", "param"),
    [
        ({"trial_end": START - DAY}, "trial_end"),
        ({"trial_end": START + 731 * DAY}, "trial_end"),
        ({"trial_period_days": 731}, "trial_period_days"),
        ({"trial_end": START + DAY, "trial_period_days": 3}, "trial_period_days"),
    ],
)
def test_a_bad_trial_is_refused_by_the_name_of_what_was_given(shared: Sandbox, terms: Any, param: str) -> None:
    given = {"trial_period_days": None, **terms}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        trial(shared, **{name: value for name, value in given.items() if value is not None or name not in terms})
    assert caught.value.param == param
