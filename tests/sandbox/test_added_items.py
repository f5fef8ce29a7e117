"""`add_invoice_items`: billed once, on the first invoice of a subscription or the next one."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import clocked_customer, refusal
from .support import customer_with_card
from .test_plan_changes import DAY, FEBRUARY, Subscriber

MARCH = FEBRUARY + 28 * DAY


def setup_price(v1: Any, amount: int = 5000, **more: Any) -> str:
    product = v1.products.create({"name": "Setup"}).id
    return str(v1.prices.create({"product": product, "currency": "usd", "unit_amount": amount, **more}).id)


def lines(invoice: Any) -> list[tuple[str, int]]:
    return [(line.description, line.amount) for line in invoice.lines.data]


def test_the_first_invoice_bills_a_price_and_an_inline_one(shared: Sandbox) -> None:
    v1 = shared.client.v1
    product = v1.products.create({"name": "Training"}).id
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 10, "inclusive": False}).id
    coupon = v1.coupons.create({"percent_off": 50}).id
    inline = {"currency": "usd", "product": product, "unit_amount": 2000}
    who = Subscriber(
        shared,
        add_invoice_items=[
            {"price": setup_price(v1), "quantity": 2, "metadata": {"why": "start"}, "discounts": [{"coupon": coupon}]},
            {"price_data": inline, "tax_rates": [rate]},
        ],
    )
    invoice = who.latest()
    assert lines(invoice) == [("Training", 2000), ("Setup", 10000), ("1 × Seat (at $10.00 / month)", 1000)]
    assert (invoice.total, invoice.status, invoice.billing_reason) == (8200, "paid", "subscription_create")
    added = invoice.lines.data[1]
    details: Any = added.parent
    assert (added.metadata["why"], added.quantity, added.subscription) == ("start", 2, who.id)
    assert (details.type, details.invoice_item_details.proration) == ("invoice_item_details", False)
    assert (added.period.start, added.period.end) == (FEBRUARY, MARCH)
    prices: Any = invoice.lines.data[0].pricing
    assert v1.prices.retrieve(prices.price_details.price).active is False
    who.to(MARCH + 3700)
    assert who.amounts() == [1000]


def test_a_trial_bills_it_at_once(shared: Sandbox) -> None:
    who = Subscriber(shared, trial_period_days=14, add_invoice_items=[{"price": setup_price(shared.client.v1)}])
    assert who.v1.subscriptions.retrieve(who.id).status == "trialing"
    assert (who.latest().total, who.latest().status, who.amounts()) == (5000, "paid", [5000, 0])
    who.to(FEBRUARY + 14 * DAY + 3700)
    assert who.amounts() == [1000]


def test_nobody_pays_for_it(shared: Sandbox) -> None:
    v1 = shared.client.v1
    _, customer = clocked_customer(shared, FEBRUARY)
    product = v1.products.create({"name": "Free"}).id
    item: Any = {"price_data": {"currency": "usd", "product": product, "unit_amount": 0,
                                "recurring": {"interval": "month"}}}  # fmt: skip
    params: Any = {"customer": customer.id, "items": [item], "add_invoice_items": [{"price": setup_price(v1)}]}
    with pytest.raises(stripe.InvalidRequestError):
        v1.subscriptions.create(params)
    waiting = v1.subscriptions.create({**params, "payment_behavior": "default_incomplete"})
    assert waiting.status == "incomplete"
    assert v1.invoice_items.list({"customer": customer.id, "pending": True}).data == []


def test_an_update_leaves_it_to_the_next_invoice(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 7 * DAY)
    who.change(add_invoice_items=[{"price": setup_price(who.v1)}])
    assert (who.pending(), len(who.invoices())) == ([5000], 1)
    item: Any = who.v1.invoice_items.list({"customer": who.customer.id}).data[0]
    assert (item.parent.subscription_details.subscription, item.period.end) == (who.id, MARCH)
    who.to(MARCH + 3700)
    assert (who.amounts(), who.pending()) == ([5000, 1000], [])


@pytest.mark.parametrize("trial", [{}, {"trial_period_days": 20}])
def test_an_update_bills_it_now_when_asked(shared: Sandbox, trial: Any) -> None:
    who = Subscriber(shared, **trial)
    who.to(FEBRUARY + 7 * DAY)
    entry = {"price": setup_price(who.v1), "period": {"start": {"type": "now"}, "end": {"type": "min_item_period_end"}}}
    changed = who.change(add_invoice_items=[entry], proration_behavior="always_invoice")
    invoice = who.latest()
    assert (invoice.id, invoice.total, invoice.status) == (changed.latest_invoice, 5000, "paid")
    assert (invoice.billing_reason, who.pending()) == ("subscription_update", [])
    assert invoice.lines.data[0].period.start == FEBRUARY + 7 * DAY


def test_it_rides_what_the_change_bills(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    who.onto(who.price(2000), proration_behavior="always_invoice", add_invoice_items=[{"price": setup_price(who.v1)}])
    assert (who.amounts(), who.latest().status) == ([1000, 5000, -500], "paid")
    trial = Subscriber(shared, trial_period_days=14)
    trial.change(trial_end="now", add_invoice_items=[{"price": setup_price(trial.v1)}])
    assert (trial.amounts(), trial.pending()) == ([5000, 1000], [])


def test_a_credit_and_a_discount_of_the_subscription(shared: Sandbox) -> None:
    v1 = shared.client.v1
    coupon = v1.coupons.create({"percent_off": 10, "duration": "forever"}).id
    product = v1.products.create({"name": "Goodwill"}).id
    credit: Any = {"price_data": {"currency": "usd", "product": product, "unit_amount": -300}}
    excepted: Any = {"price": setup_price(v1), "discountable": False}
    who = Subscriber(shared, discounts=[{"coupon": coupon}], add_invoice_items=[credit, excepted])
    assert (who.amounts(), who.latest().total) == ([5000, -300, 1000], 900 - 300 + 5000)


def test_a_change_that_waits_for_its_payment_keeps_nothing_of_it(shared: Sandbox) -> None:
    who = Subscriber(shared)
    refusing = who.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": who.customer.id}).id
    who.v1.customers.update(who.customer.id, {"invoice_settings": {"default_payment_method": refusing}})
    changed = who.onto(
        who.price(2000),
        payment_behavior="pending_if_incomplete",
        proration_behavior="always_invoice",
        add_invoice_items=[{"price": setup_price(who.v1)}],
    )
    assert changed.pending_update is not None
    assert 5000 in who.amounts()
    who.to(FEBRUARY + DAY)
    assert (who.latest().status, who.pending()) == ("void", [])
    with pytest.raises(stripe.CardError):
        who.change(
            add_invoice_items=[{"price": setup_price(who.v1)}],
            proration_behavior="always_invoice",
            payment_behavior="error_if_incomplete",
        )
    assert who.pending() == []


@pytest.mark.parametrize(
    ("entry", "param"),
    [
        ({"quantity": 1}, "add_invoice_items[0][price]"),
        ({"price": "price_none"}, "add_invoice_items[0][price]"),
        ({"price": "recurring"}, "add_invoice_items[0][price]"),
        ({"price": "one", "quantity": -1}, "add_invoice_items[0][quantity]"),
        ({"price": "one", "tax_rates": ["txr_none"]}, "add_invoice_items[0][tax_rates][0]"),
        ({"price": "one", "discounts": [{"coupon": "none"}]}, "add_invoice_items[0][discounts][0][coupon]"),
        ({"price": "one", "period": {"start": {"type": "now"}, "end": {"type": "timestamp", "timestamp": 1}}},
         "add_invoice_items[0][period][end]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_where_it_is(shared: Sandbox, entry: Any, param: str) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    monthly = setup_price(v1, recurring={"interval": "month"})
    known = {"recurring": monthly, "one": setup_price(v1)}
    if "price" in entry:
        entry["price"] = known.get(entry["price"], entry["price"])
    params: Any = {"customer": customer.id, "items": [{"price": monthly}], "add_invoice_items": [entry]}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.subscriptions.create(params)
    assert refusal(refused.value)["param"] == param


def test_at_most_twenty(shared: Sandbox) -> None:
    who = Subscriber(shared)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        who.change(add_invoice_items=[{"price": setup_price(who.v1)}] * 21)
    assert refusal(refused.value)["param"] == "add_invoice_items"
