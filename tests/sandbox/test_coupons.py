"""Coupons, promotion codes and tax rates: what they allow, when they end, what is refused."""

import time
import uuid
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import product_with_price

DAY = 86400


def promotion(sandbox: Sandbox, coupon: stripe.Coupon, **more: Any) -> stripe.PromotionCode:
    params: Any = {"promotion": {"type": "coupon", "coupon": coupon.id}, **more}
    return sandbox.client.v1.promotion_codes.create(params)


def word() -> str:
    return f"Word-{uuid.uuid4().hex[:10]}"


def test_a_coupon_and_what_it_shows_only_when_expanded(shared: Sandbox) -> None:
    product, _ = product_with_price(shared)
    api = shared.client.v1.coupons
    coupon = api.create(
        {
            "amount_off": 500,
            "currency": "USD",
            "currency_options": {"eur": {"amount_off": 450}},
            "applies_to": {"products": [product.id]},
            "duration": "repeating",
            "duration_in_months": 3,
            "name": "Five off",
        }
    )
    assert (coupon.amount_off, coupon.currency, coupon.percent_off, coupon.valid) == (500, "usd", None, True)
    assert "applies_to" not in coupon
    assert "currency_options" not in coupon
    whole: Any = api.retrieve(coupon.id, {"expand": ["applies_to", "currency_options"]})
    assert whole.applies_to.products == [product.id]
    assert whole.currency_options.to_dict() == {"usd": {"amount_off": 500}, "eur": {"amount_off": 450}}
    api.update(coupon.id, {"currency_options": {"gbp": {"amount_off": 400}}, "name": "Off"})
    with pytest.raises(stripe.InvalidRequestError, match="gbp already"):
        api.update(coupon.id, {"currency_options": {"gbp": {"amount_off": 1}}})
    percent = api.create({"percent_off": 12.5, "id": f"C{uuid.uuid4().hex}"})
    assert (percent.percent_off, percent.duration) == (12.5, "once")
    assert "applies_to" not in api.retrieve(percent.id, {"expand": ["applies_to", "currency_options"]})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.create({"percent_off": 10, "id": percent.id})
    assert caught.value.code == "resource_already_exists"
    assert api.delete(percent.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        api.retrieve(percent.id)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"percent_off": 10, "amount_off": 10, "currency": "usd"},
        {"percent_off": 0},
        {"percent_off": 101},
        {"percent_off": 33.333},
        {"amount_off": 500},
        {"amount_off": 0, "currency": "usd"},
        {"amount_off": 1001, "currency": "kwd"},
        {"percent_off": 10, "duration": "repeating"},
        {"percent_off": 10, "duration_in_months": 3},
        {"percent_off": 10, "redeem_by": 1},
        {"percent_off": 10, "redeem_by": int(time.time()) + 6 * 366 * DAY},
        {"percent_off": 10, "max_redemptions": 0},
        {"percent_off": 10, "currency_options": {"eur": {"amount_off": 1}}},
        {"percent_off": 10, "applies_to": {"products": ["prod_none"]}},
        {"percent_off": 10, "name": "x" * 41},
    ],
)
def test_wrong_coupons(shared: Sandbox, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shared.client.v1.coupons.create(params)


def test_a_coupon_ends_with_its_codes_at_redeem_by(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    until = int(time.time()) + 5 * DAY
    coupon = v1.coupons.create({"percent_off": 10, "redeem_by": until})
    with pytest.raises(stripe.InvalidRequestError, match="after the coupon's"):
        promotion(sandbox, coupon, expires_at=until + 1)
    early, late = promotion(sandbox, coupon, expires_at=until - DAY), promotion(sandbox, coupon)
    sandbox.control("clock", {"advance_seconds": 4 * DAY + 60})
    assert [v1.promotion_codes.retrieve(each.id).active for each in (early, late)] == [False, True]
    sandbox.control("clock", {"advance_seconds": DAY})
    assert not v1.coupons.retrieve(coupon.id).valid
    assert not v1.promotion_codes.retrieve(late.id).active
    with pytest.raises(stripe.InvalidRequestError) as caught:
        promotion(sandbox, coupon)
    assert caught.value.code == "coupon_expired"
    with pytest.raises(stripe.InvalidRequestError):
        v1.promotion_codes.update(late.id, {"active": True})


def test_promotion_codes_are_found_in_any_case_and_unique_while_active(shared: Sandbox) -> None:
    api = shared.client.v1.promotion_codes
    coupon = shared.client.v1.coupons.create({"percent_off": 10})
    code = word()
    first = promotion(shared, coupon, code=code)
    assert [found.id for found in api.list({"code": code.upper()}).data] == [first.id]
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        promotion(shared, coupon, code=code.lower())
    customer = shared.client.v1.customers.create({})
    own = promotion(shared, coupon, code=code, customer=customer.id)
    assert [found.id for found in api.list({"customer": customer.id}).data] == [own.id]
    api.update(first.id, {"active": False})
    second = promotion(shared, coupon, code=code.upper())
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        api.update(first.id, {"active": True})
    assert [found.id for found in api.list({"coupon": coupon.id, "active": True}).data] == [second.id, own.id]
    assert len(promotion(shared, coupon).code) == 8


def test_a_promotion_code_keeps_its_restrictions(shared: Sandbox) -> None:
    coupon = shared.client.v1.coupons.create({"percent_off": 10, "max_redemptions": 5})
    restrictions = {"minimum_amount": 5000, "minimum_amount_currency": "usd", "first_time_transaction": True}
    code = promotion(shared, coupon, restrictions=restrictions, max_redemptions=5)
    assert code.restrictions.first_time_transaction
    assert (code.restrictions.minimum_amount, code.restrictions.minimum_amount_currency) == (5000, "usd")
    api = shared.client.v1.promotion_codes
    api.update(code.id, {"restrictions": {"currency_options": {"eur": {"minimum_amount": 4500}}}})
    expand: Any = {"expand": ["restrictions.currency_options", "promotion.coupon"]}
    found: Any = api.retrieve(code.id, expand)
    minimums = {code: option.minimum_amount for code, option in found.restrictions.currency_options.items()}
    assert minimums == {"usd": 5000, "eur": 4500}
    assert found.promotion.coupon.percent_off == 10
    shared.client.v1.coupons.delete(coupon.id)
    after: Any = api.retrieve(code.id, expand)
    assert (after.active, after.promotion.coupon.id, after.promotion.coupon.valid) == (False, coupon.id, False)


@pytest.mark.parametrize(
    "more",
    [
        {"code": "no spaces"},
        {"expires_at": 1},
        {"max_redemptions": 0},
        {"max_redemptions": 6},
        {"customer": "cus_none"},
        {"restrictions": {"minimum_amount": 5}},
        {"restrictions": {"currency_options": {"eur": {"minimum_amount": 5}}}},
    ],
)
def test_wrong_promotion_codes(shared: Sandbox, more: Any) -> None:
    coupon = shared.client.v1.coupons.create({"percent_off": 10, "max_redemptions": 5})
    with pytest.raises(stripe.InvalidRequestError):
        promotion(shared, coupon, **more)
    with pytest.raises(stripe.InvalidRequestError):
        shared.client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": "nothing"}, **more})


def test_tax_rates(shared: Sandbox) -> None:
    api = shared.client.v1.tax_rates
    rate = api.create(
        {
            "display_name": "Sales Tax",
            "percentage": 8.8750,
            "inclusive": False,
            "country": "US",
            "tax_type": "sales_tax",
        }
    )
    assert (rate.percentage, rate.inclusive, rate.active, rate.country) == (8.875, False, True, "US")
    changed = api.update(rate.id, {"active": False, "description": "old", "metadata": {"a": "b"}})
    assert (changed.active, changed.description) == (False, "old")
    assert rate.id in [each.id for each in api.list({"active": False, "inclusive": False, "limit": 100}).data]
    assert rate.id not in [each.id for each in api.list({"inclusive": True, "limit": 100}).data]
    wrong: list[Any] = [{"percentage": 101}, {"percentage": 1.00001}, {"country": "usa"}]
    for change in wrong:
        with pytest.raises(stripe.InvalidRequestError):
            api.create({"display_name": "VAT", "percentage": 21, "inclusive": True, **change})
