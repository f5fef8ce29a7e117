"""What usage beyond the included quantity costs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pricing import metering
from portal.pricing.metering import BadTiers, price, rate

TIERS = [
    {"up_to": "1000", "unit_amount_decimal": "0.5", "flat_amount": 0},
    {"up_to": "5000", "unit_amount_decimal": "0.25", "flat_amount": 300},
    {"up_to": None, "unit_amount_decimal": "0.1"},
]


def cost(quantity, mode="graduated", included="10000", size=1, currency="usd", tiers=TIERS):
    return price(
        Decimal(quantity),
        None if included is None else Decimal(included),
        rate(mode, tiers, Decimal(size)),
        currency,
    ).amount


@pytest.mark.parametrize(
    ("quantity", "graduated", "volume"),
    [
        ("0", 0, 0),
        ("10000", 0, 0),
        ("10000.000000001", 0, 0),  # rounded once, half up
        ("10001", 1, 1),
        ("11000", 500, 500),
        ("11001", 800, 550),  # 500 + 300 + 0.25; 1001 × 0.25 + 300
        ("15000", 1800, 1550),
        ("16000", 1900, 600),  # 500 + 1300 + 100; 6000 × 0.1
    ],
)
def test_tiers(quantity, graduated, volume):
    assert (cost(quantity), cost(quantity, "volume")) == (graduated, volume)


def test_all_is_included_without_a_limit():
    assert cost("999999999", included=None) == 0


def test_a_begun_package_is_whole():
    per_hundred = [{"up_to": None, "unit_amount_decimal": "7"}]
    assert cost("10001", size=100, tiers=per_hundred) == 7
    assert cost("10100", size=100, tiers=per_hundred) == 7
    assert cost("10100.5", size=100, tiers=per_hundred) == 14


def test_nothing_is_sold_without_a_rate():
    found = price(Decimal(12), Decimal(10), None, "usd")
    assert (found.beyond, found.amount) == (2, 0)


def test_currencies_of_three_decimals_end_in_nought():
    assert cost("10009", tiers=[{"up_to": None, "unit_amount_decimal": "1"}], currency="kwd") == 10


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [{"up_to": "10", "unit_amount_decimal": "1"}],
        [{"up_to": "10"}, {"up_to": "10"}, {"up_to": None}],
        [{"up_to": None}, {"up_to": None}],
        [{"up_to": None, "unit_amount_decimal": "-1"}],
        [{"up_to": None, "flat_amount": -1}],
        [{"up_to": None, "unit_amount_decimal": "much"}],
        [{"up_to": None, "unit_amount_decimal": "NaN"}],
    ],
)
def test_what_is_no_price(tiers):
    with pytest.raises(BadTiers):
        rate("graduated", tiers)


quantities = st.decimals(0, 10**15 - 1, places=9, allow_nan=False)


@given(quantities, quantities, quantities)
def test_graduated_costs_never_fall_and_its_parts_are_all_of_it(one, other, included):
    read = rate("graduated", TIERS)
    less, more = (price(quantity, included, read, "usd") for quantity in sorted((one, other)))
    assert less.amount <= more.amount
    assert sum((part.units for part in more.parts), Decimal(0)) == more.units
    assert more.beyond == max(more.quantity - included, 0)


@given(quantities, quantities)
def test_one_tier_is_the_same_in_both_modes(quantity, included):
    tiers = [{"up_to": None, "unit_amount_decimal": "0.000000000123"}]
    one, other = (price(quantity, included, rate(mode, tiers), "usd") for mode in ("graduated", "volume"))
    assert one.amount == other.amount == metering.money.round_half_up(one.beyond * Decimal("0.000000000123"))
