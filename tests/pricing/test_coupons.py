"""What a coupon takes off, and when; against exact fractions and the sandbox's engine, which is written apart."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import money
from portal.pricing import eligibility
from portal.pricing.discounts import Terms, invoices_discounted, saved_in_a_year, taken_off
from portal.pricing.eligibility import Purchase, Rules, refusal
from portal.pricing.renewals import Period, renewals, renewals_before
from sandbox.engine import discounting

AMOUNTS = st.integers(0, 99_999_999)
PERCENTS = st.integers(1, 10_000).map(lambda hundredths: Decimal(hundredths) / 100)
CURRENCIES = st.sampled_from(["usd", "eur", "jpy", "kwd", "isk", "brl"])
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def of_stripe(amount, currency, percent=None, fixed=None):
    line = discounting.Line("line", amount)
    discount = discounting.Discount("di", percent, fixed)
    return discounting.apply([line], {}, [discount], currency=currency).taken("line")


@given(AMOUNTS, PERCENTS, CURRENCIES)
def test_a_percentage_is_rounded_half_up_once(amount, percent, currency):
    step = 10 if currency in money.THREE_DECIMAL else 1
    amount -= amount % step
    taken = taken_off(Terms(percent_off=percent), amount, currency)
    assert taken == of_stripe(amount, currency, percent=percent)
    exact = Fraction(amount) * Fraction(percent) / 100
    assert 0 <= taken <= amount
    assert abs(taken - exact) <= Fraction(step, 2)
    assert taken % step == 0


@given(AMOUNTS, st.integers(1, 99_999_999), CURRENCIES)
def test_a_fixed_amount_takes_no_more_than_there_is(amount, fixed, currency):
    step = money.smallest_charge_step(currency)
    amount, fixed = amount - amount % step, max(step, fixed - fixed % step)
    taken = taken_off(Terms(amounts_off={currency: fixed}), amount, currency)
    assert taken == of_stripe(amount, currency, fixed=fixed) == min(amount, fixed)
    assert taken_off(Terms(amounts_off={"xxx": fixed}), amount, currency) == 0


@given(st.integers(-10_000, 0))
def test_nothing_comes_off_nothing_and_off_a_credit(amount):
    assert taken_off(Terms(percent_off=Decimal(100)), amount, "usd") == 0
    assert taken_off(Terms(amounts_off={"usd": 500}), amount, "usd") == 0


@pytest.mark.parametrize(
    ("terms", "interval", "months", "invoices"),
    [
        (Terms("once"), "month", 12, 1),
        (Terms("once"), "year", 12, 1),
        (Terms("repeating", 2), "month", 12, 2),
        (Terms("repeating", 24), "month", 12, 12),
        (Terms("repeating", 2), "year", 12, 1),
        (Terms("repeating", 13), "year", 36, 2),
        (Terms("forever"), "month", 12, 12),
        (Terms("forever"), "year", 36, 3),
    ],
)
def test_how_many_invoices_it_takes_part_in(terms, interval, months, invoices):
    assert invoices_discounted(terms, interval, months) == invoices


@given(PERCENTS, st.integers(100, 1_000_000), st.integers(1, 30))
def test_longer_is_never_worse(percent, amount, months):
    kinds = [Terms("once", None, percent), Terms("repeating", months, percent), Terms("forever", None, percent)]
    saved = [saved_in_a_year(terms, amount, "usd", "month") for terms in kinds]
    assert saved == sorted(saved)


BEGUN = st.integers(0, 6 * 365 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(BEGUN, st.sampled_from(["month", "year"]))
def test_renewals_come_in_their_order_and_keep_their_anchor(start, interval):
    first = next(iter(renewals(Period(start, start), interval)))
    assert first == start
    months = 12 if interval == "year" else 1
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    end = start.replace(year=year, month=month + 1, day=min(start.day, 28))
    found = [at for at, _ in zip(renewals(Period(start, end), interval), range(24), strict=False)]
    assert found == sorted(set(found))
    assert {at.month for at in found} == ({end.month} if interval == "year" else set(range(1, 13)))
    for number, at in enumerate(found):
        assert renewals_before(Period(start, end), interval, at) == number  # one at the end is outside


PURCHASE = Purchase("starter", "usd", 2900, NOW)
RULES = {"terms": Terms(percent_off=Decimal(20))}
REFUSED = [
    ({"is_offered": False}, {}, eligibility.CouponExpired),
    ({"valid_until": NOW}, {}, eligibility.CouponExpired),
    ({"valid_from": NOW + timedelta(seconds=1)}, {}, eligibility.CouponNotYet),
    ({"max_per_tenant": 2}, {"own_uses": 2}, eligibility.CouponAlreadyUsed),
    ({}, {"is_left": False}, eligibility.CouponUsedUp),
    ({"first_time_only": True}, {"has_paid_before": True}, eligibility.CouponForFirstPurchase),
    ({"plan_ids": frozenset({"enterprise"})}, {}, eligibility.CouponNotThisPlan),
    ({}, {"amount_minor": 0}, eligibility.CouponNotThisPlan),
    ({"minimums": {"usd": 2901}}, {}, eligibility.CouponBelowMinimum),
    ({"minimums": {"eur": 1}}, {}, eligibility.CouponOtherCurrency),
    ({"currencies": frozenset({"eur"})}, {}, eligibility.CouponOtherCurrency),
    ({"terms": Terms(amounts_off={"eur": 500})}, {}, eligibility.CouponOtherCurrency),
]
FITS = [
    ({}, {}),
    ({"valid_from": NOW, "valid_until": NOW + timedelta(seconds=1)}, {}),
    ({"max_per_tenant": 2}, {"own_uses": 1}),
    ({"max_per_tenant": None}, {"own_uses": 99}),
    ({"first_time_only": True}, {}),
    ({"plan_ids": frozenset({"starter"}), "minimums": {"usd": 2900}, "currencies": frozenset({"usd"})}, {}),
    ({"terms": Terms(amounts_off={"usd": 500})}, {}),
]


def judged(rules, case):
    of_purchase = {name: value for name, value in case.items() if name not in ("own_uses", "is_left")}
    asked = {"own_uses": 0, "is_left": True, **{name: case[name] for name in case if name not in of_purchase}}
    purchase = Purchase(**{**vars(PURCHASE), **of_purchase})
    return refusal(Rules(**{**RULES, **rules}), purchase, **asked)


@pytest.mark.parametrize(("rules", "case", "reason"), REFUSED)
def test_each_refusal_has_its_reason(rules, case, reason):
    assert type(judged(rules, case)) is reason


@pytest.mark.parametrize(("rules", "case"), FITS)
def test_what_fits_is_not_refused(rules, case):
    assert judged(rules, case) is None


def test_reasons_have_stable_codes_of_their_own():
    assert sorted(reason.code for reason in eligibility.REASONS) == [
        "coupon_already_used", "coupon_below_minimum", "coupon_expired", "coupon_first_time_only",
        "coupon_not_this_plan", "coupon_not_yet", "coupon_other_currency", "coupon_unknown", "coupon_used_up",
    ]  # fmt: skip
    assert all(reason.message and reason.remedy for reason in eligibility.REASONS)
