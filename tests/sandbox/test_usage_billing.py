"""Metered items: billed afterwards, for what was used; late reports count until the invoice is finalized."""

import uuid
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .shopping import event_types, read, session_for, settle
from .support import product_with_price
from .timing import DAY, START, advance, at, clock_at, clocked_customer, told

HOUR = 3600
END = at(2026, 2, 1)


class Metered:
    """A subscription to a flat price and to one that costs 10 cents a unit."""

    def __init__(self, sandbox: Sandbox, *, flat: bool = True, **more: Any) -> None:
        self.v1 = sandbox.client.v1
        self.event = f"calls_{uuid.uuid4().hex[:8]}"
        meter = self.v1.billing.meters.create(
            {"display_name": "Calls", "event_name": self.event, "default_aggregation": {"formula": "sum"}}
        )
        product, base = product_with_price(sandbox)
        usage: Any = {"interval": "month", "usage_type": "metered", "meter": meter.id}
        self.price = self.v1.prices.create(
            {"product": product.id, "currency": "usd", "unit_amount": 10, "recurring": usage}
        )
        self.clock = clock_at(sandbox).id
        self.customer = clocked_customer(sandbox, self.clock)
        items = [{"price": base.id}] if flat else []
        params: Any = {"customer": self.customer, "items": [*items, {"price": self.price.id}], **more}
        self.id = self.v1.subscriptions.create(params).id

    def use(self, value: int, timestamp: int) -> None:
        payload = {"stripe_customer_id": self.customer, "value": str(value)}
        self.v1.billing.meter_events.create({"event_name": self.event, "payload": payload, "timestamp": timestamp})

    def invoices(self) -> list[Any]:
        return self.v1.invoices.list({"subscription": self.id, "limit": 100}).data[::-1]


def test_usage_is_billed_at_the_end_of_its_period(shared: Sandbox) -> None:
    metered = Metered(shared)
    assert [line.amount for line in metered.invoices()[0].lines.data] == [2900]
    advance(shared, metered.clock, START + 10 * DAY)
    metered.use(30, START + 5 * DAY)
    metered.use(12, START + 10 * DAY)
    advance(shared, metered.clock, END)
    draft = metered.invoices()[1]
    assert [(line.amount, line.quantity, line.period.start) for line in draft.lines.data] == [
        (420, 42, START), (2900, 1, END),
    ]  # fmt: skip
    advance(shared, metered.clock, END + HOUR // 2)
    metered.use(8, END - 1)
    metered.use(1000, END)
    advance(shared, metered.clock, END + HOUR)
    done = metered.v1.invoices.retrieve(draft.id)
    assert (done.status, done.total) == ("paid", 2900 + 500)
    advance(shared, metered.clock, at(2026, 3, 1))
    assert metered.invoices()[2].total == 2900 + 10000


def test_usage_of_a_trial_is_free(shared: Sandbox) -> None:
    metered = Metered(shared, trial_period_days=10)
    metered.use(30, START)
    advance(shared, metered.clock, START + 11 * DAY)
    assert [invoice.total for invoice in metered.invoices()] == [0, 2900]


@pytest.mark.parametrize(("params", "totals"), [({}, []), ({"invoice_now": True}, [420])])
def test_usage_at_a_cancellation(shared: Sandbox, params: Any, totals: list[int]) -> None:
    metered = Metered(shared, flat=False)
    metered.use(42, START)
    advance(shared, metered.clock, START + DAY)
    metered.v1.subscriptions.cancel(metered.id, params)
    advance(shared, metered.clock, START + 2 * DAY)
    assert [(invoice.total, invoice.status) for invoice in metered.invoices()] == [(total, "paid") for total in totals]


def test_usage_at_the_end_of_the_last_period(shared: Sandbox) -> None:
    metered = Metered(shared, flat=False, cancel_at_period_end=True)
    metered.use(42, START)
    advance(shared, metered.clock, END + HOUR)
    assert [invoice.total for invoice in metered.invoices()] == [420]


def test_metered_items_have_no_quantity(shared: Sandbox) -> None:
    metered = Metered(shared)
    items = metered.v1.subscription_items.list({"subscription": metered.id}).data
    assert ["quantity" in item.to_dict() for item in items] == [True, False]
    with pytest.raises(stripe.InvalidRequestError, match="metered"):
        metered.v1.subscriptions.create(
            {"customer": metered.customer, "items": [{"price": metered.price.id, "quantity": 2}]}
        )


def test_usage_cannot_be_dropped(shared: Sandbox) -> None:
    """Stripe has `clear_usage` in classic billing mode only; without it the usage is billed at once."""
    metered = Metered(shared)
    metered.use(42, START)
    advance(shared, metered.clock, START + DAY)
    item = metered.v1.subscription_items.list({"subscription": metered.id}).data[1]
    gone: Any = {"id": item.id, "deleted": True}
    entry: Any = {**gone, "clear_usage": True}
    tries: list[Any] = [
        lambda: metered.v1.subscription_items.delete(item.id, {"clear_usage": True}),
        lambda: metered.v1.subscriptions.update(metered.id, {"items": [entry]}),
        lambda: metered.v1.invoices.create_preview(
            {"subscription": metered.id, "subscription_details": {"items": [entry]}}
        ),
    ]
    for attempt in tries:
        with pytest.raises(stripe.InvalidRequestError, match="not supported: clear_usage") as caught:
            attempt()
        assert "clear_usage" in str(caught.value.param)
    metered.v1.subscriptions.update(metered.id, {"items": [gone]})
    assert [invoice.total for invoice in metered.invoices()] == [2900, 420]


def test_usage_alone_begins_without_an_invoice(sandbox: Sandbox) -> None:
    """Flexible billing mode makes no empty invoices: nothing is billed, paid or told until there is usage."""
    metered = Metered(sandbox, flat=False)
    begun = metered.v1.subscriptions.retrieve(metered.id)
    assert (begun.status, begun.latest_invoice, metered.invoices()) == ("active", None, [])
    assert told(sandbox, START, "invoice", "customer.subscription", "payment_intent") == [
        (0, "customer.subscription.created")
    ]
    advance(sandbox, metered.clock, START + DAY)
    metered.use(42, START)
    advance(sandbox, metered.clock, END + HOUR)
    (first,) = metered.invoices()
    assert (first.total, first.status, first.billing_reason) == (420, "paid", "subscription_cycle")
    assert metered.v1.subscriptions.retrieve(metered.id).latest_invoice == first.id


def test_a_trial_of_usage_alone_has_no_invoices(shared: Sandbox) -> None:
    metered = Metered(shared, flat=False, trial_period_days=10)
    metered.use(30, START)
    assert metered.v1.subscriptions.retrieve(metered.id).status == "trialing"
    with pytest.raises(stripe.InvalidRequestError, match="No upcoming invoices"):
        metered.v1.invoices.create_preview({"subscription": metered.id})
    advance(shared, metered.clock, START + 11 * DAY)
    assert (metered.v1.subscriptions.retrieve(metered.id).status, metered.invoices()) == ("active", [])
    metered.v1.subscriptions.update(metered.id, {"trial_end": START + 15 * DAY})
    metered.v1.subscriptions.update(metered.id, {"trial_end": "now"})
    assert (metered.v1.subscriptions.retrieve(metered.id).status, metered.invoices()) == ("active", [])


def test_what_is_bought_once_with_usage_is_billed_at_once(shared: Sandbox) -> None:
    product = shared.client.v1.products.create({"name": "Setup"}).id
    once = shared.client.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 5000}).id
    metered = Metered(shared, flat=False, add_invoice_items=[{"price": once}])
    assert [(invoice.total, invoice.status) for invoice in metered.invoices()] == [(5000, "paid")]


def test_a_pause_of_usage_alone(shared: Sandbox) -> None:
    metered = Metered(shared, flat=False)
    metered.v1.subscriptions.pause(metered.id, {"type": "subscription"})
    resumed = metered.v1.subscriptions.resume(metered.id)
    assert (resumed.status, metered.invoices()) == ("active", [])


def test_previews_of_usage_alone(shared: Sandbox) -> None:
    metered = Metered(shared, flat=False)
    items: Any = [{"price": metered.price.id}]
    new = metered.v1.invoices.create_preview({"customer": metered.customer, "subscription_details": {"items": items}})
    running = metered.v1.invoices.create_preview({"subscription": metered.id})
    assert [(found.total, found.period_end) for found in (new, running)] == [(0, END), (0, END)]
    assert metered.invoices() == []


def test_checkout_of_usage_alone(shared: Sandbox) -> None:
    metered = Metered(shared, flat=False)
    items: Any = [{"price": metered.price.id}]
    session = session_for(shared, "subscription", line_items=items, customer=metered.customer)
    settle(shared, session.id)
    done = read(shared, session.id, "subscription")
    assert (done.status, done.payment_status, done.invoice) == ("complete", "no_payment_required", None)
    subscription: Any = done.subscription
    assert (subscription.status, subscription.latest_invoice) == ("active", None)
    assert subscription.default_payment_method is not None
    assert event_types(shared, session.id) == ["checkout.session.completed"]
