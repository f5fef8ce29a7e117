"""Canceling: now, at the end of the period, at a time; and what becomes of the invoices."""

from typing import Any

from .conftest import Sandbox
from .support import product_with_price
from .timing import DAY, START, advance, at, clock_at, clocked_customer, told

HOUR = 3600
END = at(2026, 2, 1)


def subscription_on_clock(sandbox: Sandbox, *intervals: str, **more: Any) -> tuple[str, Any]:
    clock = clock_at(sandbox).id
    prices = [product_with_price(sandbox, interval=interval)[1].id for interval in intervals or ("month",)]
    customer = clocked_customer(sandbox, clock)
    params: Any = {"customer": customer, "items": [{"price": price} for price in prices], **more}
    return clock, sandbox.client.v1.subscriptions.create(params)


def test_at_the_end_of_the_period(sandbox: Sandbox) -> None:
    clock, subscription = subscription_on_clock(sandbox, cancel_at_period_end=True)
    assert (subscription.cancel_at, subscription.canceled_at) == (END, START)
    advance(sandbox, clock, END + 5 * DAY)
    gone = sandbox.client.v1.subscriptions.retrieve(subscription.id)
    assert (gone.status, gone.ended_at, gone.canceled_at) == ("canceled", END, START)
    assert gone.cancellation_details.reason == "cancellation_requested"
    assert len(sandbox.client.v1.invoices.list({"subscription": subscription.id}).data) == 1
    assert told(sandbox, START + 1, "customer.subscription", "invoice.") == [
        (END - START - 1, "customer.subscription.deleted")
    ]


def test_changing_ones_mind(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared, cancel_at_period_end=True)
    shared.client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    advance(shared, clock, END + DAY)
    assert shared.client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_mixed_intervals_end_with_the_longest(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared, "week", "month", cancel_at_period_end=True)
    assert subscription.cancel_at == END
    advance(shared, clock, START + 14 * DAY)
    advance(shared, clock, START + 28 * DAY)
    advance(shared, clock, END)
    assert shared.client.v1.subscriptions.retrieve(subscription.id).ended_at == END
    invoices = shared.client.v1.invoices.list({"subscription": subscription.id}).data[::-1]
    # The last week is cut short by the cancellation and billed for its part: 3 of 7 days.
    assert [invoice.total for invoice in invoices] == [5800, 2900, 2900, 2900, round(2900 * 3 / 7)]


def test_at_a_time_within_a_later_period(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    when = at(2026, 2, 15)
    shared.client.v1.subscriptions.update(subscription.id, {"cancel_at": when})
    advance(shared, clock, END + HOUR)
    renewed = shared.client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    latest: Any = renewed.latest_invoice
    assert (renewed["items"].data[0].current_period_end, latest.total, latest.status) == (when, 1450, "paid")
    advance(shared, clock, when)
    assert shared.client.v1.subscriptions.retrieve(subscription.id).ended_at == when


def test_at_a_time_within_this_period(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    api = shared.client.v1.subscriptions
    api.update(subscription.id, {"cancel_at": START + DAY, "proration_behavior": "none"})
    advance(shared, clock, START + DAY)
    assert api.retrieve(subscription.id).status == "canceled"
    assert len(shared.client.v1.invoices.list({"subscription": subscription.id}).data) == 1
    clock, subscription = subscription_on_clock(shared)
    api.update(subscription.id, {"cancel_at": START + 11 * DAY})
    advance(shared, clock, START + 12 * DAY)
    last = shared.client.v1.invoices.list({"subscription": subscription.id}).data[0]
    # 20 of January's 31 days are given back, to the customer's balance.
    assert (last.total, last.amount_due, last.status) == (-1871, 0, "paid")
    assert shared.client.v1.customers.retrieve(str(subscription.customer)).balance == -1871


def test_now_with_the_time_left_given_back(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    advance(shared, clock, START + 11 * DAY)
    shared.client.v1.subscriptions.cancel(subscription.id, {"prorate": True, "invoice_now": True})
    last = shared.client.v1.invoices.list({"subscription": subscription.id}).data[0]
    line = last.lines.data[0]
    assert (last.status, last.billing_reason, line.amount) == ("draft", "subscription_update", -1871)
    assert (line.period.start, line.period.end) == (START + 11 * DAY, END)
    advance(shared, clock, START + 12 * DAY)
    customer = shared.client.v1.customers.retrieve(str(subscription.customer))
    assert (shared.client.v1.invoices.retrieve(last.id).status, customer.balance) == ("paid", -1871)


def test_now_with_the_credit_left_pending(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared)
    advance(shared, clock, START + 11 * DAY)
    v1 = shared.client.v1
    v1.subscriptions.cancel(subscription.id, {"prorate": True})
    assert len(v1.invoices.list({"subscription": subscription.id}).data) == 1
    draft = v1.invoices.create({"customer": str(subscription.customer), "pending_invoice_items_behavior": "include"})
    assert draft.total == -1871


def test_pending_items_are_billed_at_the_end(shared: Sandbox) -> None:
    clock, subscription = subscription_on_clock(shared, cancel_at_period_end=True)
    customer = str(subscription.customer)
    shared.client.v1.invoice_items.create({"customer": customer, "amount": 500, "currency": "usd"})
    advance(shared, clock, END + HOUR)
    last = shared.client.v1.invoices.list({"subscription": subscription.id}).data[0]
    assert (last.total, last.status, last.billing_reason) == (500, "paid", "subscription_cycle")
    assert shared.client.v1.subscriptions.retrieve(subscription.id).latest_invoice == last.id


def test_canceling_now_leaves_the_invoices_alone(sandbox: Sandbox) -> None:
    sandbox.control("settings", {"retry_days": [40]})
    clock, subscription = subscription_on_clock(sandbox)
    sandbox.control(f"customers/{subscription.customer}/fail_next_payment", {"times": 9})
    advance(sandbox, clock, END + HOUR)
    advance(sandbox, clock, at(2026, 3, 1))
    sandbox.client.v1.subscriptions.cancel(subscription.id)
    draft, failed, _ = sandbox.client.v1.invoices.list({"subscription": subscription.id}).data
    assert (draft.status, draft.auto_advance, draft.automatically_finalizes_at) == ("draft", False, None)
    assert (failed.status, failed.auto_advance, failed.next_payment_attempt) == ("open", False, None)
    before = len(sandbox.look("events")["data"])
    advance(sandbox, clock, at(2026, 5, 1))
    clock_events = 2
    assert len(sandbox.look("events")["data"]) == before + clock_events


def test_deleting_a_customer_ends_everything(sandbox: Sandbox) -> None:
    clock, subscription = subscription_on_clock(sandbox)
    sandbox.client.v1.customers.delete(str(subscription.customer))
    advance(sandbox, clock, at(2026, 3, 1))
    assert sandbox.client.v1.subscriptions.retrieve(subscription.id).ended_at == START
    assert len(sandbox.client.v1.invoices.list({"subscription": subscription.id}).data) == 1


def test_invoices_of_a_deleted_customer_stay_as_they_are(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    customer = v1.customers.create({})
    draft = v1.invoices.create({"customer": customer.id, "auto_advance": True})
    sent = v1.invoices.create({"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3})
    v1.invoice_items.create({"customer": customer.id, "invoice": sent.id, "amount": 500, "currency": "usd"})
    v1.invoices.update(sent.id, {"auto_advance": True})
    v1.invoices.finalize_invoice(sent.id)
    v1.customers.delete(customer.id)
    sandbox.control("clock", {"advance_seconds": 10 * DAY})
    left = v1.invoices.retrieve(draft.id)
    assert (left.status, left.automatically_finalizes_at) == ("draft", None)
    assert v1.invoices.retrieve(sent.id).status == "open"
    assert "invoice.overdue" not in [event["type"] for event in sandbox.look("events")["data"]]
