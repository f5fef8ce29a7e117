"""What a period's usage will come to: bounds hold whatever was used, and nothing is foretold from too little."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pricing.forecast import SECONDS_PER_DAY, Past, foretell

DAY = SECONDS_PER_DAY
QUANTITIES = st.decimals(0, 10**14, places=4, allow_nan=False, allow_infinity=False)
DAYS = st.lists(st.builds(Past, QUANTITIES, st.integers(1, DAY)), max_size=40)


def days(*quantities):
    return [Past(Decimal(quantity)) for quantity in quantities]


def test_the_same_every_day_goes_on_without_a_range():
    found = foretell("sum", Decimal(1000), days(*[100] * 10), 20 * DAY)
    assert found == ("pace", Decimal(3000), Decimal(3000), Decimal(3000))


def test_the_last_seven_days_count_twice():
    # 3 days of 0 once, 7 days of 34 twice: 476 in 17 parts is 28 a day.
    found = foretell("sum", Decimal(238), days(0, 0, 0, *[34] * 7), 10 * DAY)
    assert found.expected == 518
    assert found.low < 518 < found.high


def test_a_first_day_that_began_late_counts_by_its_length():
    late = [Past(Decimal(50), DAY // 2), *days(100, 100, 100)]
    assert foretell("sum", Decimal(350), late, 2 * DAY).expected == 550


def test_figures_are_rough_and_bounds_lie_outward():
    found = foretell("sum", Decimal(123456), days(41001, 41152, 41303), 10 * DAY)
    assert [len(str(each).rstrip("0").replace("E+", "")) <= 5 for each in found[1:]] == [True] * 3
    assert found.expected == Decimal("535000")
    assert found.low <= found.expected <= found.high


@pytest.mark.parametrize("aggregation", ["sum", "max", "last", "unique"])
def test_nothing_is_foretold_before_the_first_report_and_what_is_over_is_known(aggregation):
    assert foretell(aggregation, Decimal(0), [], DAY) == ("unreported", None, None, None)
    assert foretell(aggregation, Decimal(5), [], 0) == ("final", Decimal(5), Decimal(5), Decimal(5))


def test_the_first_hours_are_taken_as_a_day_and_the_range_reaches_their_pace():
    # 12 in six hours: at least 12 a day; at most 48, as it went on so far; at least nothing more.
    found = foretell("sum", Decimal(12), [], 10 * DAY, since_seconds=DAY // 4)
    assert found == ("early", Decimal(132), Decimal(12), Decimal(492))
    at_once = foretell("sum", Decimal(12), [], 10 * DAY, since_seconds=0)
    assert at_once == ("early", Decimal(132), Decimal(12), Decimal(2900))  # 12 an hour, not 12 a second


def test_two_days_go_on_as_they_were_and_no_more_than_twice_as_fast():
    found = foretell("sum", Decimal(100), days(40, 60), 10 * DAY, since_seconds=2 * DAY)
    assert found == ("early", Decimal(600), Decimal(100), Decimal(1100))


def test_few_different_values_come_more_slowly_than_the_time():
    found = foretell("unique", Decimal(100), [], 3 * DAY, since_seconds=DAY)
    assert found == ("early", Decimal(200), Decimal(100), Decimal(700))


@pytest.mark.parametrize(("aggregation", "low"), [("last", 4), ("max", 10)])
def test_a_level_that_was_just_reported_stays_give_or_take_half_of_it(aggregation, low):
    found = foretell(aggregation, Decimal(10), days(8), 20 * DAY, since_seconds=DAY)
    assert found == ("early_level", Decimal(10), Decimal(low), Decimal(20))


def test_a_level_is_expected_to_stay_as_it_is_now():
    assert foretell("last", Decimal(2), days(9, 9, 9), 10 * DAY) == ("level", Decimal(2), Decimal(2), Decimal(9))


def test_a_level_stays_and_its_range_goes_on_rising():
    found = foretell("last", Decimal(16), days(10, 11, 12, 13, 14, 15, 16), 10 * DAY)
    assert found == ("level", Decimal(16), Decimal(10), Decimal(26))


def test_a_falling_level_does_not_fall_below_nothing():
    assert foretell("last", Decimal(10), days(30, 20, 10), 30 * DAY) == ("level", Decimal(10), Decimal(0), Decimal(30))


def test_the_highest_level_of_a_period_does_not_fall():
    found = foretell("max", Decimal(50), days(50, 20, 20), 30 * DAY)
    assert found == ("level", Decimal(50), Decimal(50), Decimal(50))


def test_different_values_come_more_slowly_than_the_time():
    found = foretell("unique", Decimal(100), days(*[40] * 10), 30 * DAY)
    assert found == ("different", Decimal(200), Decimal(100), Decimal(400))


@given(
    st.sampled_from(["sum", "max", "last", "unique"]), QUANTITIES, DAYS,
    st.integers(0, 400 * DAY), st.none() | st.integers(0, 40 * DAY),
)  # fmt: skip
def test_bounds_hold_and_what_only_grows_does_not_shrink(aggregation, used, past, rest, since):
    found = foretell(aggregation, used, past, rest, since)
    if found.expected is None:
        assert not past
        assert since is None
        return
    assert found.low <= found.expected <= found.high
    if aggregation != "last":
        assert found.low >= used
