"""The two pauses: of collection, and of a subscription."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import product_with_price
from .timing import DAY, START, advance, at, clock_at, clocked_customer, told

HOUR = 3600
NO_CREDIT: Any = {"bill_for": {"unused_time_from": {"type": "none"}}}


def subscription_on_clock(sandbox: Sandbox, **more: Any) -> tuple[str, Any]:
    clock = clock_at(sandbox).id
    _, price = product_with_price(sandbox)
    customer = clocked_customer(sandbox, clock)
    params: Any = {"customer": customer, "items": [{"price": price.id}], **more}
    return clock, sandbox.client.v1.subscriptions.create(params)


def latest(sandbox: Sandbox, subscription: Any) -> Any:
    return sandbox.client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]}).latest_invoice


@pytest.mark.parametrize(
    ("behavior", "status"), [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")]
)
def test_collection_pauses_and_goes_on(shared: Sandbox, behavior: Any, status: str) -> None:
    clock, subscription = subscription_on_clock(shared)
    resumes_at = at(2026, 2, 10)
    changed = shared.client.v1.subscriptions.update(
        subscription.id, {"pause_collection": {"behavior": behavior, "resumes_at": resumes_at}}
    )
    assert changed.pause_collection.to_dict() == {"behavior": behavior, "resumes_at": resumes_at}
    advance(shared, clock, at(2026, 2, 9))
    kept = latest(shared, subscription)
    assert (kept.status, kept.auto_advance, kept.amount_due) == (status, False, 2900)
    assert shared.client.v1.subscriptions.retrieve(subscription.id).status == "active"
    advance(shared, clock, at(2026, 3, 2))
    assert shared.client.v1.subscriptions.retrieve(subscription.id).pause_collection is None
    assert (latest(shared, subscription).status, shared.client.v1.invoices.retrieve(kept.id).status) == ("paid", status)


def test_collection_goes_on_by_hand(sandbox: Sandbox) -> None:
    clock, subscription = subscription_on_clock(sandbox)
    api = sandbox.client.v1.subscriptions
    with pytest.raises(stripe.InvalidRequestError, match="must be in the future"):
        api.update(subscription.id, {"pause_collection": {"behavior": "void", "resumes_at": START}})
    api.update(subscription.id, {"pause_collection": {"behavior": "void"}})
    advance(sandbox, clock, at(2026, 2, 2))
    assert api.update(subscription.id, {"pause_collection": ""}).pause_collection is None
    advance(sandbox, clock, at(2026, 3, 2))
    assert latest(sandbox, subscription).status == "paid"
    announced = [when + START for when, kind in told(sandbox, START, "invoice.upcoming")]
    assert announced == [at(2026, 2, 22)]


def test_a_paused_subscription_has_no_periods(sandbox: Sandbox) -> None:
    clock, subscription = subscription_on_clock(sandbox)
    api = sandbox.client.v1.subscriptions
    advance(sandbox, clock, START + DAY)
    paused = api.pause(subscription.id, NO_CREDIT)
    assert (paused.status, paused.status_details.paused.transitioned_at) == ("paused", START + DAY)
    assert paused.status_details.paused.subscription.type == "pause_requested"
    with pytest.raises(stripe.InvalidRequestError, match="Only active"):
        api.pause(subscription.id, NO_CREDIT)
    advance(sandbox, clock, at(2026, 2, 20))
    assert len(sandbox.client.v1.invoices.list({"subscription": subscription.id}).data) == 1
    resumed = api.resume(subscription.id, {"payment_behavior": "resume_on_payment_success"})
    item = resumed["items"].data[0]
    assert (resumed.status, item.current_period_start, item.current_period_end) == (
        "active", at(2026, 2, 20), at(2026, 3, 20),
    )  # fmt: skip
    assert latest(sandbox, subscription).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="Only a paused"):
        api.resume(subscription.id)
    advance(sandbox, clock, at(2026, 3, 20) + HOUR)
    assert latest(sandbox, subscription).billing_reason == "subscription_cycle"


def test_resuming_waits_for_a_payment(sandbox: Sandbox) -> None:
    clock, subscription = subscription_on_clock(sandbox)
    v1 = sandbox.client.v1
    v1.subscriptions.pause(subscription.id, NO_CREDIT)
    waiting = v1.subscriptions.resume(subscription.id)
    invoice = latest(sandbox, subscription)
    assert (waiting.status, invoice.status, invoice.attempted, invoice.billing_reason) == (
        "paused", "open", False, "subscription_update",
    )  # fmt: skip
    with pytest.raises(stripe.InvalidRequestError, match="already"):
        v1.subscriptions.resume(subscription.id)
    advance(sandbox, clock, START + 23 * HOUR)
    assert (v1.invoices.retrieve(invoice.id).status, v1.subscriptions.retrieve(subscription.id).status) == (
        "void", "paused",
    )  # fmt: skip
    v1.subscriptions.resume(subscription.id)
    invoice = latest(sandbox, subscription)
    v1.invoices.pay(invoice.id)
    assert v1.subscriptions.retrieve(subscription.id).status == "active"
    assert told(sandbox, START + 23 * HOUR, "customer.subscription")[-1][1] == "customer.subscription.resumed"


def test_a_refusal_at_resuming(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    v1 = shared.client.v1
    v1.subscriptions.pause(subscription.id, NO_CREDIT)
    shared.control(f"customers/{subscription.customer}/fail_next_payment", {"times": 1})
    still = v1.subscriptions.resume(subscription.id, {"payment_behavior": "resume_on_payment_success"})
    first = latest(shared, subscription)
    assert (still.status, first.status, first.next_payment_attempt) == ("paused", "open", START + DAY)
    v1.invoices.void_invoice(first.id)
    assert v1.subscriptions.retrieve(subscription.id).status == "paused"
    v1.subscriptions.resume(subscription.id)
    shared.control(f"customers/{subscription.customer}/fail_next_payment", {"times": 1})
    with pytest.raises(stripe.CardError):
        v1.invoices.pay(latest(shared, subscription).id)
    late = v1.subscriptions.retrieve(subscription.id)
    assert (late.status, latest(shared, subscription).next_payment_attempt) == ("past_due", None)
    advance(shared, clock, at(2026, 2, 1) + HOUR)
    assert v1.subscriptions.retrieve(subscription.id).status == "active"


def test_resuming_on_the_former_grid(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    v1 = shared.client.v1
    v1.subscriptions.pause(subscription.id, NO_CREDIT)
    advance(shared, clock, at(2026, 2, 15))
    params: Any = {"billing_cycle_anchor": {"type": "unchanged"}}
    free = v1.subscriptions.resume(subscription.id, {**params, "proration_behavior": "none"})
    item = free["items"].data[0]
    assert (free.status, item.current_period_start, item.current_period_end) == (
        "active", at(2026, 2, 15), at(2026, 3, 1),
    )  # fmt: skip
    v1.subscriptions.pause(subscription.id, NO_CREDIT)
    paying: Any = {**params, "proration_behavior": "always_invoice", "payment_behavior": "resume_on_payment_success"}
    assert v1.subscriptions.resume(subscription.id, paying).status == "active"
    assert latest(shared, subscription).total == 1450


def test_unused_time_is_given_back_and_rides_the_next_invoice(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    v1 = shared.client.v1
    advance(shared, clock, START + 11 * DAY)
    v1.subscriptions.pause(subscription.id)
    credit = v1.invoice_items.list({"customer": str(subscription.customer), "pending": True}).data
    assert [item.amount for item in credit] == [-1871]
    v1.subscriptions.resume(subscription.id, {"payment_behavior": "resume_on_payment_success"})
    assert latest(shared, subscription).total == 2900 - 1871


def test_pausing_with_an_invoice(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    v1 = shared.client.v1
    advance(shared, clock, START + 11 * DAY)
    whole: Any = {"unused_time_from": {"type": "item_current_period_start"}}
    v1.subscriptions.pause(subscription.id, {"bill_for": whole, "invoicing_behavior": "invoice"})
    assert latest(shared, subscription).total == -2900
    advance(shared, clock, START + 12 * DAY)
    assert v1.customers.retrieve(str(subscription.customer)).balance == -2900
    v1.subscriptions.resume(subscription.id, {"billing_cycle_anchor": {"type": "unchanged"}})
    debit = v1.invoice_items.list({"customer": str(subscription.customer), "pending": True}).data
    assert [item.amount for item in debit] == [round(2900 * 20 / 31) - round(2900 / 31)]
