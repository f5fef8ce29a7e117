"""What goes back of paid time: exact at both ends, never more than was paid."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from portal.pricing.unused_time import BilledInvoice, BilledTime, refunds

DAY = 86_400
MONTH = 30 * DAY


def plain(paid: int = 2900, total: int = 2900, start: int = 0, end: int = MONTH) -> BilledInvoice:
    return BilledInvoice("in_1", total, paid, paid, (BilledTime(total, start, end),))


def test_half_of_the_time_is_half_of_the_money():
    assert refunds([plain()], MONTH // 2) == {"in_1": 1450}


def test_a_half_cent_is_rounded_up_once():
    assert refunds([plain(2901, 2901)], MONTH // 2) == {"in_1": 1451}


def test_only_what_was_really_paid_comes_back():
    """Ten of twenty-nine came from the balance."""
    assert refunds([plain(paid=1900)], MONTH // 2) == {"in_1": 950}
    assert refunds([plain(paid=0)], MONTH // 2) == {}


def test_an_upgrade_in_the_middle_gives_both_invoices_their_share():
    """29.00 for the month; half way 14.50 back and 49.50 for the rest: three quarters through, 24.75 are left."""
    half, at = MONTH // 2, MONTH * 3 // 4
    upgrade = BilledInvoice("in_2", 3500, 3500, 3500, (BilledTime(-1450, half, MONTH), BilledTime(4950, half, MONTH)))
    found = refunds([upgrade, plain()], at)
    assert found == {"in_2": 1750, "in_1": 725}
    assert sum(found.values()) == 2475


def test_what_a_downgrade_gave_to_the_balance_does_not_come_back_again():
    half = MONTH // 2
    down = BilledInvoice("in_2", -3500, 0, 0, (BilledTime(-4950, half, MONTH), BilledTime(1450, half, MONTH)))
    assert refunds([down, plain(9900, 9900)], half) == {"in_1": 4950 - 3500}


def test_what_went_back_already_leaves_only_the_rest():
    """2500 of 2900 were refunded out of goodwill: of the 1450 for half of the time, 400 are left."""
    billed = plain().billed
    assert refunds([BilledInvoice("in_1", 2900, 2900, 400, billed)], MONTH // 2) == {"in_1": 400}
    assert refunds([BilledInvoice("in_1", 2900, 2900, 2800, billed)], MONTH // 2) == {"in_1": 1450}
    assert refunds([BilledInvoice("in_1", 2900, 2900, 1900, billed, given_minor=1000)], MONTH // 2) == {"in_1": 450}
    assert refunds([BilledInvoice("in_1", 2900, 2900, 0, billed, given_minor=1500)], MONTH // 2) == {}


@given(
    paid=st.integers(0, 10**9),
    extra=st.integers(0, 10**6),
    start=st.integers(0, 2 * 10**9),
    length=st.integers(1, 400 * DAY),
    into=st.integers(-DAY, 401 * DAY),
)
def test_never_more_than_paid_and_never_off_by_more_than_half(paid, extra, start, length, into):
    total = paid + extra
    found = refunds([plain(paid, total, start, start + length)], start + into).get("in_1", 0)
    left = Fraction(length - min(max(into, 0), length), length)
    assert 0 <= found <= paid
    assert abs(found - paid * left) <= Fraction(1, 2)


@given(a=st.integers(0, MONTH), b=st.integers(0, MONTH), paid=st.integers(1, 10**7))
def test_later_is_never_more(a, b, paid):
    early, late = sorted((a, b))
    before = refunds([plain(paid, paid)], early).get("in_1", 0)
    assert refunds([plain(paid, paid)], late).get("in_1", 0) <= before
