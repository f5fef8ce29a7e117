"""Prices: what quantities cost per unit, in packages, in tiers, in other currencies; and their verbs."""

from decimal import Decimal
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.price_terms import scheme_of
from sandbox.engine.pricing import amount_of, exact_amount, parts_of
from sandbox.errors import InvalidRequest

from .conftest import Sandbox
from .support import customer_with_card, product_with_price

TIERS = [
    {"up_to": 5, "unit_amount": 700},
    {"up_to": 10, "unit_amount_decimal": "650.5", "flat_amount": 100},
    {"up_to": "inf", "flat_amount": 9900},
]


def price_of(**params: Any) -> dict[str, Any]:
    return {"id": "price_x", **scheme_of({"currency": "usd", "recurring": {}, **params})}


def tiered(mode: str) -> dict[str, Any]:
    return price_of(billing_scheme="tiered", tiers_mode=mode, tiers=TIERS)


@pytest.mark.parametrize(
    ("quantity", "parts"),
    [
        (0, [(1, "0", 0)]),
        (5, [(1, "5", 3500)]),
        (6, [(1, "5", 3500), (2, "1", 651), (2, "1", 100)]),
        (12, [(1, "5", 3500), (2, "5", 3253), (2, "1", 100), (3, "1", 9900)]),
    ],
)
def test_graduated_tiers_bill_each_tier_a_line(quantity: int, parts: list[tuple[int, str, int]]) -> None:
    found = parts_of(tiered("graduated"), quantity)
    assert [(part.tier, str(part.quantity), part.amount) for part in found] == parts


@pytest.mark.parametrize(("quantity", "amount"), [(0, 0), (5, 3500), (6, 4003), (10, 6605), (11, 9900)])
def test_volume_tiers_bill_all_units_alike(quantity: int, amount: int) -> None:
    assert amount_of(tiered("volume"), quantity) == amount


def test_the_flat_amount_of_the_first_tier_is_due_without_any_usage() -> None:
    base = [{"up_to": 100, "flat_amount": 2000}, {"up_to": "inf", "unit_amount": 5}]
    price = price_of(billing_scheme="tiered", tiers_mode="graduated", tiers=base)
    assert (amount_of(price, 0), amount_of(price, 100), amount_of(price, 101)) == (2000, 2000, 2005)


@pytest.mark.parametrize(
    ("rounding", "quantity", "amount"), [("up", 1001, 1000), ("down", 1999, 500), ("up", 1000, 500), ("down", 999, 0)]
)
def test_packages(rounding: str, quantity: int, amount: int) -> None:
    price = price_of(unit_amount=500, transform_quantity={"divide_by": 1000, "round": rounding})
    assert amount_of(price, quantity) == amount
    assert parts_of(price, quantity)[0].quantity == quantity


def test_parts_of_cents_are_rounded_once() -> None:
    price = price_of(unit_amount_decimal="0.125")
    assert amount_of(price, 4) == 1
    assert amount_of(price, Decimal("2.4")) == 0
    assert exact_amount(price, 3) == Decimal("0.375")


def test_other_currencies_have_terms_of_their_own() -> None:
    price = price_of(unit_amount=1000, currency_options={"EUR": {"unit_amount": 900}})
    assert (amount_of(price, 2), amount_of(price, 2, "eur"), amount_of(price, 2, "usd")) == (2000, 1800, 2000)
    with pytest.raises(InvalidRequest, match="not available in the currency gbp"):
        amount_of(price, 1, "gbp")


@given(st.integers(0, 100), st.integers(0, 100))
def test_more_never_costs_less_in_graduated_tiers(one: int, more: int) -> None:
    assert amount_of(tiered("graduated"), one) <= amount_of(tiered("graduated"), one + more)


@pytest.mark.parametrize(
    "change",
    [
        {"billing_scheme": "tiered"},
        {"tiers": TIERS},
        {"billing_scheme": "tiered", "tiers": TIERS, "tiers_mode": "volume", "unit_amount": 1},
        {"billing_scheme": "tiered", "tiers": TIERS[:2], "tiers_mode": "volume"},
        {"billing_scheme": "tiered", "tiers": [TIERS[1], TIERS[0], TIERS[2]], "tiers_mode": "volume"},
        {"billing_scheme": "tiered", "tiers": [{"up_to": "inf"}], "tiers_mode": "volume"},
        {
            "billing_scheme": "tiered", "tiers": TIERS, "tiers_mode": "volume",
            "transform_quantity": {"divide_by": 2, "round": "up"},
        },
        {"unit_amount": 1, "transform_quantity": {"divide_by": 0, "round": "up"}},
        {"unit_amount": 1, "currency_options": {"usd": {"unit_amount": 2}}},
        {"unit_amount": 1, "currency_options": {"eur": {"tax_behavior": "inclusive"}}},
        {"unit_amount": 1, "recurring": {"interval": "month", "meter": "mtr_x"}},
        {"unit_amount": 1, "recurring": {"interval": "month", "meter": "mtr_x", "usage_type": "metered"}},
        {"unit_amount": 5124, "currency": "kwd"},
        {"custom_unit_amount": {"enabled": True}},
    ],
)  # fmt: skip
def test_terms_that_do_not_fit_together(shared: Sandbox, change: dict[str, Any]) -> None:
    product, _ = product_with_price(shared)
    params: Any = {"product": product.id, "currency": "usd", "recurring": {"interval": "month"}, **change}
    with pytest.raises(stripe.InvalidRequestError):
        shared.client.v1.prices.create(params)


def test_tiers_and_currencies_appear_only_when_expanded(shared: Sandbox) -> None:
    product, _ = product_with_price(shared)
    api = shared.client.v1.prices
    options: Any = {"eur": {"tiers": [{"up_to": "inf", "unit_amount": 600}], "tax_behavior": "inclusive"}}
    params: Any = {
        "product": product.id, "currency": "usd", "recurring": {"interval": "month"}, "billing_scheme": "tiered",
        "tiers_mode": "graduated", "tiers": TIERS, "currency_options": options,
    }  # fmt: skip
    price = api.create(params)
    assert (price.unit_amount, price.unit_amount_decimal, price.tiers_mode) == (None, None, "graduated")
    assert "tiers" not in price
    assert "currency_options" not in price
    found = api.retrieve(price.id, {"expand": ["tiers", "currency_options.tiers"]})
    assert found.tiers is not None
    assert [(tier.up_to, tier.unit_amount, tier.flat_amount) for tier in found.tiers] == [
        (5, 700, None),
        (10, None, 100),
        (None, None, 9900),
    ]
    assert found.currency_options is not None
    assert sorted(found.currency_options.to_dict()) == ["eur", "usd"]
    euro: Any = found.currency_options["eur"]
    assert (euro.tax_behavior, euro.tiers[0].unit_amount) == ("inclusive", 600)
    without: Any = api.retrieve(price.id, {"expand": ["currency_options"]}).currency_options
    assert "tiers" not in without["eur"]
    listed = api.list({"product": product.id, "expand": ["data.tiers"]}).data
    assert [len(each.to_dict().get("tiers", [])) for each in listed] == [3, 0]


def test_currency_options_are_added_and_cleared(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    api = shared.client.v1.prices
    api.update(price.id, {"currency_options": {"eur": {"unit_amount": 2500}}})
    api.update(price.id, {"currency_options": {"gbp": {"unit_amount": 2300}}})
    options: Any = api.retrieve(price.id, {"expand": ["currency_options"]}).currency_options
    assert {code: options[code].unit_amount for code in ("eur", "gbp", "usd")} == {
        "eur": 2500,
        "gbp": 2300,
        "usd": 2900,
    }
    api.update(price.id, {"currency_options": ""})
    cleared: Any = api.retrieve(price.id, {"expand": ["currency_options"]}).currency_options
    assert list(cleared.to_dict()) == ["usd"]


def test_subscription_items_show_their_price_as_it_is_now(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    product, price = product_with_price(shared)
    subscription = v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    key = f"key_{price.id}"
    v1.prices.update(price.id, {"nickname": "Old", "active": False, "lookup_key": key})
    item: Any = v1.subscription_items.retrieve(subscription["items"].data[0].id)
    assert (item.price.nickname, item.price.active, item.plan.nickname) == ("Old", False, "Old")
    moved: Any = {"product": product.id, "currency": "usd", "unit_amount": 1, "recurring": {"interval": "month"}}
    v1.prices.create({**moved, "lookup_key": key, "transfer_lookup_key": True})
    again: Any = v1.subscription_items.retrieve(item.id)
    assert (item.price.lookup_key, again.price.lookup_key) == (key, None)


def test_the_default_price_of_a_product_stays_active(shared: Sandbox) -> None:
    product, price = product_with_price(shared)
    shared.client.v1.products.update(product.id, {"default_price": price.id})
    with pytest.raises(stripe.InvalidRequestError, match="default price"):
        shared.client.v1.prices.update(price.id, {"active": False})
