"""Prorations: Stripe's published figures, and what must hold for any price, quantity and second."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.money import rounded
from sandbox.engine.proration import Debit, Share, credit, credits_of, debit, time_left

MONTH = 30 * 86400
amounts = st.integers(0, 10_000_000)
currencies = st.sampled_from(["usd", "jpy", "kwd"])


@st.composite
def moments(draw: st.DrawFn) -> tuple[int, int, int]:
    """A period of a minute to three years and a second within it."""
    start = draw(st.integers(1_600_000_000, 2_000_000_000))
    end = start + draw(st.integers(60, 3 * 366 * 86400))
    return start, draw(st.integers(start, end - 1)), end


def chargeable(amount: int, currency: str) -> int:
    return amount * 10 if currency == "kwd" else amount


def test_the_published_fraction_of_a_four_week_period() -> None:
    line = Debit("il", 1000, 0, 2_419_200)
    back = credit(line, 2_419_200 - 881_112, "usd")
    assert back is not None
    assert (back.of, back.share.amount, back.start, back.end) == ("il", -364, 1_538_088, 2_419_200)


def test_ten_to_twenty_dollars_half_way() -> None:
    part = time_left(MONTH // 2, 0, MONTH)
    back = credit(Debit("il", 1000, 0, MONTH), MONTH // 2, "usd")
    assert back is not None
    assert (part, back.share.amount, debit(2000, part, "usd").amount) == (Fraction(1, 2), -500, 1000)


def test_one_to_two_hundred_in_the_middle_renews_at_two_hundred_and_fifty() -> None:
    back = credit(Debit("il", 10000, 0, MONTH), MONTH // 2, "usd")
    assert back is not None
    assert back.share.amount + debit(20000, Fraction(1, 2), "usd").amount + 20000 == 25000


@pytest.mark.parametrize(
    ("at", "left"), [(-5, 1), (0, 1), (15, Fraction(1, 2)), (29, Fraction(1, 30)), (30, 0), (99, 0)]
)
def test_the_time_left(at: int, left: Fraction) -> None:
    assert time_left(at, 0, 30) == left


def test_a_credit_returns_the_discounts_that_the_debit_had() -> None:
    """Bug 10 of stripe.md: after a 100 % coupon there is nothing to give back."""
    free = credit(Debit("il", 2900, 0, 100, (("di_all", 2900),)), 50, "usd")
    assert free is not None
    assert (free.share.amount, free.share.discounts, free.share.net) == (-1450, (("di_all", -1450),), 0)
    some = debit(3000, Fraction(1, 3), "usd", [("di_a", 300), ("di_b", 500)])
    assert (some.amount, some.discounts, some.net) == (1000, (("di_a", 100), ("di_b", 167)), 733)


def test_each_line_gives_back_its_own_and_spent_ones_nothing() -> None:
    lines = [
        Debit("il_spent", 500, 0, 50),
        Debit("il_first", 1000, 0, 100, tax_rates=("txr_vat",)),
        Debit("il_later", 300, 40, 100),
    ]
    found = credits_of(lines, 70, "usd")
    assert [(each.of, each.share.amount, each.start, each.tax_rates) for each in found] == [
        ("il_first", -300, 70, ("txr_vat",)),
        ("il_later", -150, 70, ()),
    ]


def test_an_unstarted_period_is_given_back_whole_from_its_start() -> None:
    back = credit(Debit("il", 999, 100, 200), 10, "usd")
    assert back is not None
    assert (back.share.amount, back.start) == (-999, 100)


def test_fractions_of_a_cent_are_rounded_once() -> None:
    assert debit(Decimal("0.5") * 3, Fraction(1), "usd").amount == 2
    assert debit(Decimal("0.5") * 3, Fraction(1, 3), "usd").amount == 1


@given(amounts, moments(), currencies)
def test_the_whole_period_is_given_back_whole(amount: int, moment: tuple[int, int, int], currency: str) -> None:
    start, _, end = moment
    amount = chargeable(amount, currency)
    back = credit(Debit("il", amount, start, end), start, currency)
    assert back is not None
    assert back.share.amount == -amount


@given(amounts, st.integers(1, 500), moments(), currencies, st.integers(0, 100))
def test_changing_to_the_same_costs_nothing(
    amount: int, quantity: int, moment: tuple[int, int, int], currency: str, percent: int
) -> None:
    start, at, end = moment
    full = chargeable(amount, currency) * quantity
    off = (("di", rounded(Fraction(full * percent, 100), currency)),)
    back = credit(Debit("il", full, start, end, off), at, currency)
    assert back is not None
    again = debit(full, time_left(at, start, end), currency, off)
    assert back.share.net + again.net == 0
    assert back.share == Share(-again.amount, tuple((key, -amount) for key, amount in again.discounts))


@given(amounts, moments(), currencies)
def test_the_two_sides_of_any_second_make_the_whole(amount: int, moment: tuple[int, int, int], currency: str) -> None:
    start, at, end = moment
    full = chargeable(amount, currency)
    left = time_left(at, start, end)
    used, rest = debit(full, 1 - left, currency).amount, debit(full, left, currency).amount
    assert abs(used + rest - full) <= (10 if currency == "kwd" else 1)
    assert 0 <= rest <= full


@given(amounts, moments(), st.lists(st.integers(0, 1000), max_size=6))
def test_any_number_of_changes_bills_the_time_that_was_used(
    amount: int, moment: tuple[int, int, int], thousandths: list[int]
) -> None:
    """Switching back and forth between two prices: at most half a unit a line away from the exact cost."""
    start, _, end = moment
    prices = (amount, amount // 3)
    open_line, total, exact, since = Debit("0", amount, start, end), amount, Fraction(0), start
    for number, thousandth in enumerate(sorted(thousandths), start=1):
        at = start + (end - start - 1) * thousandth // 1000
        exact += Fraction(prices[(number - 1) % 2] * (at - since), end - start)
        back = credit(open_line, at, "usd")
        assert back is not None
        new = debit(prices[number % 2], time_left(at, start, end), "usd").amount
        open_line, total, since = Debit(str(number), new, at, end), total + back.share.amount + new, at
    exact += Fraction(prices[len(thousandths) % 2] * (end - since), end - start)
    assert abs(total - exact) <= len(thousandths) * 1.5
