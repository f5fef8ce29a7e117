"""Invoice items that wait for an invoice: what they cost, whose they are, what may change."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import customer_with_card, product_with_price


@pytest.fixture
def customer(shared: Sandbox) -> str:
    return shared.client.v1.customers.create({}).id


def one_time(sandbox: Sandbox, **more: Any) -> stripe.Price:
    product = sandbox.client.v1.products.create({"name": "Setup"})
    params: Any = {"product": product.id, "currency": "usd", "unit_amount": 1500, **more}
    return sandbox.client.v1.prices.create(params)


def test_four_ways_to_say_what_it_costs(shared: Sandbox, customer: str) -> None:
    api = shared.client.v1.invoice_items
    price = one_time(shared)
    priced = api.create({"customer": customer, "pricing": {"price": price.id}, "quantity": 3})
    assert (priced.amount, priced.quantity, priced.description) == (4500, 3, "Setup")
    assert priced.pricing is not None
    assert priced.pricing.price_details is not None
    assert priced.pricing.price_details.price == price.id
    inline = api.create(
        {"customer": customer, "price_data": {"currency": "usd", "product": str(price.product), "unit_amount": 700}}
    )
    assert inline.amount == 700
    assert inline.pricing is not None
    assert inline.pricing.price_details is not None
    assert not shared.client.v1.prices.retrieve(str(inline.pricing.price_details.price)).active
    decimal = api.create(
        {
            "customer": customer,
            "unit_amount_decimal": Decimal("0.125"),
            "quantity_decimal": Decimal("20.5"),
            "currency": "usd",
        }
    )
    assert (decimal.amount, decimal.quantity, decimal.quantity_decimal) == (3, 20, Decimal("20.5"))
    plain = api.create({"customer": customer, "amount": -800, "currency": "usd", "description": "Sorry"})
    assert (plain.amount, plain.quantity, plain.discountable, plain.description) == (-800, 1, False, "Sorry")
    assert [found.id for found in api.list({"customer": customer, "pending": True}).data] == [
        plain.id,
        decimal.id,
        inline.id,
        priced.id,
    ]
    assert api.list({"customer": customer, "pending": False}).data == []
    assert shared.client.v1.customers.retrieve(customer).currency == "usd"


def test_an_item_of_a_subscription_with_a_period_rates_and_discounts(shared: Sandbox) -> None:
    v1 = shared.client.v1
    owner, _ = customer_with_card(shared)
    _, price = product_with_price(shared)
    subscription = v1.subscriptions.create({"customer": owner.id, "items": [{"price": price.id}]})
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 21, "inclusive": False})
    coupon = v1.coupons.create({"percent_off": 10, "max_redemptions": 2})
    item = v1.invoice_items.create(
        {
            "customer": owner.id,
            "amount": 1000,
            "currency": "usd",
            "subscription": subscription.id,
            "period": {"start": 1000, "end": 2000},
            "tax_rates": [rate.id],
            "discounts": [{"coupon": coupon.id}],
            "metadata": {"why": "setup"},
        }
    )
    assert item.parent is not None
    assert item.parent.subscription_details is not None
    assert item.parent.subscription_details.subscription == subscription.id
    assert (item.period.start, item.period.end) == (1000, 2000)
    found: Any = v1.invoice_items.retrieve(item.id, {"expand": ["discounts.source.coupon", "tax_rates"]})
    assert [each.percentage for each in found.tax_rates] == [21]
    assert [(each.invoice_item, each.source.coupon.id) for each in found.discounts] == [(item.id, coupon.id)]
    assert v1.coupons.retrieve(coupon.id).times_redeemed == 1
    kept = v1.invoice_items.update(item.id, {"discounts": [{"discount": found.discounts[0].id}], "tax_rates": ""})
    assert (kept.discounts, kept.tax_rates) == ([found.discounts[0].id], [])
    assert v1.invoice_items.update(item.id, {"discounts": ""}).discounts == []
    v1.invoice_items.update(item.id, {"discounts": [{"coupon": coupon.id}]})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        v1.invoice_items.update(item.id, {"discounts": [{"coupon": coupon.id}]})
    assert caught.value.code == "coupon_expired"


def test_changing_and_deleting(shared: Sandbox, customer: str) -> None:
    api = shared.client.v1.invoice_items
    price = one_time(shared)
    item = api.create({"customer": customer, "pricing": {"price": price.id}})
    assert api.update(item.id, {"quantity": 4}).amount == 6000
    assert api.update(item.id, {"amount": 250, "description": "less"}).amount == 250
    with pytest.raises(stripe.InvalidRequestError):
        api.update(item.id, {"quantity": 2, "amount": 5})
    assert api.delete(item.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such invoiceitem"):
        api.retrieve(item.id)


def test_a_price_serves_the_currency_of_the_customer(shared: Sandbox, customer: str) -> None:
    api = shared.client.v1.invoice_items
    price = one_time(shared, currency_options={"eur": {"unit_amount": 1300}})
    api.create({"customer": customer, "amount": 1, "currency": "eur"})
    item = api.create({"customer": customer, "pricing": {"price": price.id}, "quantity": 2})
    assert (item.amount, item.currency) == (2600, "eur")
    with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
        api.create({"customer": customer, "amount": 1, "currency": "usd"})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"amount": 5},
        {"amount": 5, "currency": "usd", "unit_amount_decimal": "5"},
        {"amount": 5, "currency": "usd", "quantity": 2},
        {"amount": 1234, "currency": "kwd"},
        {"unit_amount_decimal": "5", "quantity": -1, "currency": "usd"},
        {"pricing": {"price": "price_none"}},
        {"amount": 5, "currency": "usd", "period": {"start": 2, "end": 1}},
        {"amount": 5, "currency": "usd", "invoice": "in_none"},
        {"amount": 5, "currency": "usd", "subscription": "sub_none"},
        {"amount": 5, "currency": "usd", "tax_rates": ["txr_none"]},
        {"amount": 5, "currency": "usd", "discounts": [{"coupon": "none"}]},
        {"amount": 5, "currency": "usd", "discounts": [{"discount": "di_none"}]},
        {"amount": 5, "currency": "usd", "tax_code": "txcd_10000000"},
    ],
)
def test_wrong_items(shared: Sandbox, customer: str, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shared.client.v1.invoice_items.create({"customer": customer, **params})


def test_recurring_archived_and_foreign_things_are_refused(shared: Sandbox, customer: str) -> None:
    api = shared.client.v1.invoice_items
    _, recurring = product_with_price(shared)
    with pytest.raises(stripe.InvalidRequestError, match="type=one_time"):
        api.create({"customer": customer, "pricing": {"price": recurring.id}})
    archived = one_time(shared)
    shared.client.v1.prices.update(archived.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        api.create({"customer": customer, "pricing": {"price": archived.id}})
    rate = shared.client.v1.tax_rates.create({"display_name": "V", "percentage": 1, "inclusive": True, "active": False})
    with pytest.raises(stripe.InvalidRequestError, match="archived"):
        api.create({"customer": customer, "amount": 5, "currency": "usd", "tax_rates": [rate.id]})
    other, _ = customer_with_card(shared)
    theirs = shared.client.v1.subscriptions.create({"customer": other.id, "items": [{"price": recurring.id}]})
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        api.create({"customer": customer, "amount": 5, "currency": "usd", "subscription": theirs.id})


def test_promotion_codes_check_who_and_how_much(shared: Sandbox) -> None:
    v1 = shared.client.v1
    paid, _ = customer_with_card(shared)
    _, price = product_with_price(shared)
    v1.subscriptions.create({"customer": paid.id, "items": [{"price": price.id}]})
    coupon = v1.coupons.create({"percent_off": 10})
    restrictions: Any = {
        "first_time_transaction": True, "minimum_amount": 1000, "minimum_amount_currency": "usd",
    }  # fmt: skip
    promotion: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}}
    code = v1.promotion_codes.create({**promotion, "restrictions": restrictions, "max_redemptions": 1})
    fresh, other = v1.customers.create({}), v1.customers.create({})
    own = v1.promotion_codes.create({**promotion, "customer": other.id})

    def item(customer: str, amount: int, promotion_code: str, currency: str = "usd") -> stripe.InvoiceItem:
        params: Any = {"customer": customer, "amount": amount, "currency": currency}
        return v1.invoice_items.create({**params, "discounts": [{"promotion_code": promotion_code}]})

    with pytest.raises(stripe.InvalidRequestError, match="first purchases only"):
        item(paid.id, 1000, code.id)
    with pytest.raises(stripe.InvalidRequestError, match="minimum amount"):
        item(fresh.id, 999, code.id)
    with pytest.raises(stripe.InvalidRequestError, match="no minimum amount in EUR"):
        item(fresh.id, 1000, code.id, "eur")
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        item(fresh.id, 1000, own.id)
    discounted: Any = v1.invoice_items.retrieve(item(fresh.id, 1000, code.id).id, {"expand": ["discounts"]})
    assert discounted.discounts[0].promotion_code == code.id
    used = v1.promotion_codes.retrieve(code.id)
    assert (used.active, used.times_redeemed) == (False, 1)
    with pytest.raises(stripe.InvalidRequestError, match="expired or inactive"):
        item(other.id, 1000, code.id)
    assert item(other.id, 1, own.id).discounts
