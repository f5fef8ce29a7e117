"""Prices given inline (`price_data`) for the items of subscriptions: made, billed, and never offered to anybody."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import refusal
from .support import customer_with_card
from .test_plan_changes import DAY, FEBRUARY, Subscriber


def inline(product: str, amount: int, interval: str = "month", **more: Any) -> Any:
    data = {"currency": "usd", "product": product, "unit_amount": amount, "recurring": {"interval": interval}}
    return {"price_data": {**data, **more}}


def test_a_subscription_begins_with_one(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    product = v1.products.create({"name": "Seat"}).id
    params: Any = {"customer": customer.id, "items": [{**inline(product, 700), "quantity": 3}]}
    made = v1.subscriptions.create({**params, "expand": ["latest_invoice"]})
    price = made["items"].data[0].price
    invoice: Any = made.latest_invoice
    assert (price.unit_amount, price.active, price.product) == (700, False, product)
    assert (invoice.total, invoice.status) == (2100, "paid")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    assert refusal(refused.value)["param"] == "items[0][price]"


def test_a_change_takes_one_and_gives_back_what_was_billed(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    changed = who.change(items=[{"id": who.item, "quantity": 1, **inline(who.product, 2000)}])
    assert who.pending() == [-500, 1000]
    price = changed["items"].data[0].price
    again = who.change(items=[{"id": who.item, "quantity": 2}])
    assert (again["items"].data[0].price.id, price.active) == (price.id, False)


def test_items_by_themselves(shared: Sandbox) -> None:
    who = Subscriber(shared)
    added = who.v1.subscription_items.create({"subscription": who.id, **inline(who.product, 300), "quantity": 2})
    assert (added.price.unit_amount, added.price.active, added.quantity) == (300, False, 2)
    dearer = who.v1.subscription_items.update(added.id, {**inline(who.product, 400), "quantity": 2})
    assert (dearer.price.unit_amount, dearer.quantity) == (400, 2)
    who.to(FEBRUARY + 28 * DAY + 3700)
    assert 800 in who.amounts()


def test_previews_quote_what_is_billed(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    items: Any = [{"id": who.item, "quantity": 1, **inline(who.product, 2000)}]
    details: Any = {"items": items, "proration_behavior": "always_invoice"}
    quoted = who.v1.invoices.create_preview({"subscription": who.id, "subscription_details": details})
    who.change(items=items, proration_behavior="always_invoice")
    assert quoted.total == who.latest().total == 500
    first: Any = {"customer": who.customer.id, "subscription_details": {"items": [inline(who.product, 900)]}}
    assert who.v1.invoices.create_preview(first).total == 900


@pytest.mark.parametrize(
    ("entry", "param"),
    [
        ({"quantity": 1}, "items[0][price]"),
        (inline("prod_none", 100), "items[0][price_data][product]"),
        (inline("", -1), "items[0][price_data][unit_amount]"),
        ({**inline("", 100), "price": "price_any"}, "items[0][price_data]"),
    ],
)
def test_what_is_wrong_is_named_where_it_is(shared: Sandbox, entry: Any, param: str) -> None:
    customer, _ = customer_with_card(shared)
    if "price_data" in entry and not entry["price_data"]["product"]:
        entry["price_data"]["product"] = shared.client.v1.products.create({"name": "Seat"}).id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shared.client.v1.subscriptions.create({"customer": customer.id, "items": [entry]})
    assert refusal(refused.value)["param"] == param
