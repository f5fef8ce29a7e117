"""The arithmetic of prorations: Stripe's published figures, what holds for any second, what cannot be explained."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pricing import explain
from portal.pricing.comparing import direction
from portal.pricing.explain import Shown
from portal.pricing.prorations import DiscountTerms, Share, credit, debit, share_of, taken_off

MONTH = 30 * 86400
amounts = st.integers(0, 10_000_000)
currencies = st.sampled_from(["usd", "jpy", "kwd", "isk"])


def test_the_published_credit_of_a_four_week_period():
    """1000 × 881112 / 2419200 gives back 364 (stripe.md §5.1)."""
    assert credit(Share(1000), 881_112, 2_419_200, "usd") == Share(-364)


def test_half_a_month_of_29_dollars_in_full():
    found = explain.time_left(Shown(1450, 0, "usd"), Decimal(2900), Decimal(1), MONTH // 2, MONTH, [])
    assert found is not None
    assert (found.unit, found.quantity, found.seconds, found.of_seconds) == (2900, 1, 1_296_000, 2_592_000)
    assert found.share == Share(1450)
    assert explain.from_json(found.to_json()) == found


@pytest.mark.parametrize("shown", [(900, 0), (1000, 100)], ids=["after the discount", "before it"])
def test_a_discount_is_shared_out_like_its_amount(shown):
    terms = [DiscountTerms(percent_off=Decimal(10))]
    found = explain.time_left(Shown(*shown, "usd"), Decimal(2000), Decimal(1), 1, 2, terms)
    assert found is not None
    assert found.share == Share(1000, (100,))
    back = explain.given_back(Shown(-shown[0], -shown[1], "usd"), found.share, 1, 1)
    assert back is not None
    assert back.share.net_minor == -900


@pytest.mark.parametrize("wrong", [1449, 1451, -1450, 0])
def test_a_cent_beside_the_formula_has_no_explanation(wrong):
    assert explain.time_left(Shown(wrong, 0, "usd"), Decimal(2900), Decimal(1), MONTH // 2, MONTH, []) is None
    assert explain.whole_price(Shown(wrong, 0, "usd"), Decimal(1450), Decimal(1)) is None
    assert explain.given_back(Shown(wrong, 0, "usd"), Share(2901), MONTH // 2, MONTH) is None


def test_discounts_follow_each_other_and_never_take_more_than_there_is():
    terms = [DiscountTerms(percent_off=Decimal("33.33")), DiscountTerms(amount_off_minor=5000)]
    assert taken_off(1000, terms, "usd") == (333, 667)
    assert taken_off(0, terms, "usd") == (0, 0)


@pytest.mark.parametrize(("seconds", "of"), [(-1, 10), (11, 10), (0, 0)])
def test_what_is_no_part_of_a_period(seconds, of):
    with pytest.raises(ValueError, match="no part"):
        share_of(100, seconds, of, "usd")


@given(amounts, st.integers(0, MONTH), currencies)
def test_the_two_sides_of_any_second_make_the_whole(amount, at, currency):
    step = {"kwd": 10, "isk": 100}.get(currency, 1)
    full = amount * step
    used, left = share_of(full, at, MONTH, currency), share_of(full, MONTH - at, MONTH, currency)
    assert abs(used + left - full) <= step
    assert left % step == 0
    assert 0 <= left <= full


@given(amounts, st.integers(1, 500), st.integers(0, MONTH), st.integers(0, 10_000))
def test_changing_to_the_same_costs_nothing(unit, quantity, left, hundredths):
    terms = [DiscountTerms(percent_off=Decimal(hundredths) / 100)]
    whole = debit(unit * quantity, MONTH, MONTH, "usd", terms)
    again = debit(unit * quantity, left, MONTH, "usd", terms)
    assert credit(whole, left, MONTH, "usd").net_minor + again.net_minor == 0


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ((2900, "month"), (9900, "month"), "upgrade"),
        ((9900, "month"), (2900, "month"), "downgrade"),
        ((2900, "month"), (29000, "year"), "interval"),
        ((2900, "month"), (2900, "month"), "upgrade"),
    ],
)
def test_what_a_change_is_called(old, new, kind):
    assert direction(*old, *new) == kind


@pytest.mark.parametrize(("yearly", "kind"), [(34801, "upgrade"), (34800, "upgrade"), (34799, "downgrade")])
def test_prices_are_compared_by_the_month_without_rounding(yearly, kind):
    assert direction(2900, "month", yearly, "year", interval_first=False) == kind
