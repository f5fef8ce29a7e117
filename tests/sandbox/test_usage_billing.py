"""Metered items: billed afterwards, for what was used; late reports count until the invoice is finalized."""

import uuid
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import product_with_price
from .timing import DAY, START, advance, at, clock_at, clocked_customer

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


@pytest.mark.parametrize(("params", "totals"), [({}, [0]), ({"invoice_now": True}, [0, 420])])
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
    assert [invoice.total for invoice in metered.invoices()] == [0, 420]


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
