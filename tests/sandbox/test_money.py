"""Rounding and sharing out, in one place."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.money import currency_code, rounded, share, smallest_charge, spread, whole_amount
from sandbox.errors import InvalidRequest, NotModelled


@pytest.mark.parametrize(
    ("amount", "currency", "result"),
    [
        (Decimal("2.5"), "usd", 3),
        (Decimal("-2.5"), "usd", -3),
        (Decimal("2.4999999999"), "usd", 2),
        (Fraction(1, 3), "jpy", 0),
        (Decimal(1235), "kwd", 1240),
        (Decimal("1234.9"), "kwd", 1230),
        (Decimal(-1235), "kwd", -1240),
    ],
)
def test_half_up_to_what_the_currency_has(amount: Decimal, currency: str, result: int) -> None:
    assert rounded(amount, currency) == result


def test_a_share_in_percent() -> None:
    assert share(999, Decimal("33.33"), "usd") == 333
    assert share(-1000, Decimal(15), "usd") == -150


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [1000, 2000, 3000], [17, 33, 50]),
        (10, [30, 30, 30], [4, 3, 3]),
        (5, [1] * 10, [0] * 5 + [1] * 5),
        (0, [0, 0], [0, 0]),
        (7, [0, 7], [0, 7]),
    ],
)
def test_sharing_out(amount: int, weights: list[int], parts: list[int]) -> None:
    assert spread(amount, weights, "usd") == parts


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=12), st.floats(0, 1), st.sampled_from(["usd", "kwd"]))
def test_parts_sum_up_and_none_is_more_than_its_weight(weights: list[int], part: float, currency: str) -> None:
    unit = 10 if currency == "kwd" else 1
    weights = [weight * unit for weight in weights]
    amount = int(sum(weights) / unit * part) * unit
    parts = spread(amount, weights, currency)
    assert sum(parts) == amount
    assert all(0 <= got <= weight and got % unit == 0 for got, weight in zip(parts, weights, strict=True))


def test_more_than_there_is_cannot_be_shared_out() -> None:
    with pytest.raises(ValueError, match="cannot spread 3 over 2"):
        spread(3, [1, 1], "usd")


def test_currencies() -> None:
    assert currency_code("EUR") == "eur"
    with pytest.raises(InvalidRequest, match="Invalid currency"):
        currency_code("dollars")
    with pytest.raises(NotModelled, match="ISK"):
        currency_code("isk")
    assert whole_amount(5120, "kwd", param="amount") == 5120
    with pytest.raises(InvalidRequest, match="last must be 0"):
        whole_amount(5124, "kwd", param="amount")
    assert (smallest_charge("usd"), smallest_charge("gbp"), smallest_charge("kwd")) == (50, 30, 500)
