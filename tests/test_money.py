"""Money is exact in both directions, rounds in one way and splits without losing a minor unit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.money import (
    InvalidAmount,
    allocate,
    currency_code,
    exponent,
    from_decimal,
    round_half_up,
    smallest_charge_step,
    to_decimal,
)

currencies = st.sampled_from(["usd", "eur", "mxn", "brl", "jpy", "clp", "kwd", "tnd", "isk"])
amounts = st.integers(min_value=-(10**40), max_value=10**40)
weights = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=40).filter(any)


@pytest.mark.parametrize(("code", "digits"), [("usd", 2), ("JPY", 0), ("kwd", 3), (" eur ", 2), ("isk", 2)])
def test_exponent_follows_stripes_list(code, digits):
    assert exponent(code) == digits


@pytest.mark.parametrize("code", ["", "us", "usdd", "12a", "€", "us1", "ｕｓｄ"])
def test_a_code_that_is_no_currency_is_refused(code):
    with pytest.raises(InvalidAmount):
        currency_code(code)


@pytest.mark.parametrize(("code", "step"), [("usd", 1), ("jpy", 1), ("kwd", 10), ("isk", 100)])
def test_smallest_charge_step(code, step):
    assert smallest_charge_step(code) == step


@pytest.mark.parametrize(
    ("minor", "code", "text"),
    [
        (2900, "usd", "29.00"),
        (-5, "usd", "-0.05"),
        (2900, "jpy", "2900"),
        (1234, "kwd", "1.234"),
        (0, "eur", "0.00"),
    ],
)
def test_decimal_shows_every_digit_of_the_currency(minor, code, text):
    assert str(to_decimal(minor, code)) == text


@given(amounts, currencies)
def test_both_directions_are_exact(minor, currency):
    assert from_decimal(to_decimal(minor, currency), currency) == minor


@pytest.mark.parametrize(("amount", "code"), [("29.001", "usd"), ("0.5", "jpy"), ("1.2345", "kwd"), ("NaN", "usd")])
def test_what_does_not_fit_is_refused_rather_than_rounded(amount, code):
    with pytest.raises(InvalidAmount):
        from_decimal(Decimal(amount), code)


def test_trailing_zeros_are_not_excess_digits():
    assert from_decimal(Decimal("29.0000"), "usd") == 2900


@pytest.mark.parametrize("amount", [29.0, True, "2900"])
def test_floats_and_other_types_never_become_money(amount):
    with pytest.raises(InvalidAmount):
        to_decimal(amount, "usd")
    with pytest.raises(InvalidAmount):
        from_decimal(amount, "usd")
    with pytest.raises(InvalidAmount):
        round_half_up(amount)


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("2.5", 3), ("-2.5", -3), ("2.4999", 2), ("0.5", 1), ("-0.5", -1), ("3.5", 4), ("7", 7)],
)
def test_halves_round_away_from_zero(amount, rounded):
    assert round_half_up(Decimal(amount)) == rounded


def test_rounding_stripes_published_tax_example_per_line():
    taxes = [round_half_up(Decimal(line) * 15 / 100) for line in (43, 484)]
    assert taxes == [6, 73]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_rounding_is_near_and_mirrors_credits(amount):
    assert abs(round_half_up(amount) - amount) <= Decimal("0.5")
    assert round_half_up(-amount) == -round_half_up(amount)


@given(amounts, weights)
def test_parts_add_up_and_each_is_near_its_share(total, shares):
    parts = allocate(total, shares)
    largest = max(range(len(shares)), key=lambda at: shares[at])
    assert sum(parts) == total
    for at, (part, share) in enumerate(zip(parts, shares, strict=True)):
        if at != largest:
            assert abs(2 * (part * sum(shares) - total * share)) <= sum(shares)


@given(amounts, weights)
def test_splitting_a_credit_mirrors_splitting_the_charge(total, shares):
    assert allocate(-total, shares) == [-part for part in allocate(total, shares)]


def test_the_largest_line_takes_the_remainder():
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [1, 4, 1]) == [2, 6, 2]


@pytest.mark.parametrize("shares", [[], [0, 0], [1, -1]])
def test_impossible_weights_are_refused(shares):
    with pytest.raises(InvalidAmount):
        allocate(100, shares)
