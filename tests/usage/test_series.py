"""A period's days and hours without gaps, whatever the zone does; what a level was on days without a report."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.usage import series
from portal.usage.figures import Bucket

MADRID = ZoneInfo("Europe/Madrid")
ZONES = ["UTC", "Europe/Madrid", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
MOMENTS = st.datetimes(datetime(2009, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_days_are_those_of_the_zone_and_cut_at_the_edges():
    found = series.days((at("2026-03-28 10:17"), at("2026-03-31 10:17")), MADRID)
    assert [f"{start:%d %H:%M}" for start, _ in found] == ["28 10:17", "28 23:00", "29 22:00", "30 22:00"]
    assert [(end - start).total_seconds() / 3600 for start, end in found][1:3] == [23, 24]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_has_as_many_hours_as_the_clocks_make_it(day, hours):
    span = series.day(date.fromisoformat(day), MADRID)
    assert len(series.hours(span, span)) == hours


def test_hours_of_the_first_day_begin_with_the_period():
    span = series.day(date(2026, 11, 3), ZoneInfo("UTC"))
    found = series.hours(span, (at("2026-11-03 21:40"), at("2026-12-03 21:40")))
    assert [f"{start:%H:%M}" for start, _ in found] == ["21:40", "22:00", "23:00"]


@given(MOMENTS, st.integers(1, 400 * 86_400), st.sampled_from(ZONES))
def test_days_leave_no_gap(starts_at, seconds, zone):
    span = starts_at, starts_at + timedelta(seconds=seconds)
    found = series.days(span, ZoneInfo(zone))
    assert found[0][0] == span[0]
    assert found[-1][1] == span[1]
    assert [end for _, end in found[:-1]] == [start for start, _ in found[1:]]
    assert all(timedelta(0) < end - start <= timedelta(hours=25) for start, end in found)


def spans(count):
    return [(at("2026-11-01") + timedelta(days=n), at("2026-11-02") + timedelta(days=n)) for n in range(count)]


def bucket(day, quantity, events=1):
    return Bucket(at("2026-11-01") + timedelta(days=day - 1), Decimal(quantity), events)


def read(points):
    return [(None if point.quantity is None else int(point.quantity), point.kind) for point in points]


def test_what_adds_up_is_zero_where_nothing_was_and_unknown_ahead():
    found = series.fill(spans(5), [bucket(1, 5), bucket(3, 7)], "sum", at("2026-11-04 12:00"))
    assert read(found) == [(5, "whole"), (0, "whole"), (7, "whole"), (0, "running"), (None, "whole")]
    assert [point.total for point in found] == [5, 5, 12, 12, None]
    assert [past.quantity for past in series.past(found, at("2026-11-04 12:00"))] == [5, 0, 7]


@pytest.mark.parametrize("aggregation", ["max", "last"])
def test_a_level_is_unknown_before_its_first_report_and_stays_after_it(aggregation):
    found = series.fill(spans(5), [bucket(2, 5), bucket(4, 3)], aggregation, at("2026-11-05 12:00"))
    assert read(found) == [(None, "carried"), (5, "whole"), (5, "carried"), (3, "whole"), (3, "carried")]
    assert {point.total for point in found} == {None}
    assert [past.quantity for past in series.past(found, at("2026-11-05 12:00"))] == [5, 5, 3]


@pytest.mark.parametrize("aggregation", ["max", "last"])
def test_a_level_begins_as_it_stood_before(aggregation):
    found = series.fill(spans(4), [bucket(3, 5)], aggregation, at("2026-11-04 12:00"), Decimal(8))
    assert read(found) == [(8, "carried"), (8, "carried"), (5, "whole"), (5, "carried")]
    assert [past.quantity for past in series.past(found, at("2026-11-04 12:00"))] == [5], "not reported in this period"
    assert read(series.fill(spans(1), [], "sum", at("2026-11-01 12:00"), Decimal(8))) == [(0, "running")]


def test_what_stays_is_where_a_level_stood_in_the_end_not_its_highest():
    fallen = bucket(1, 9)._replace(latest=Decimal(4))
    found = series.fill(spans(2), [fallen], "max", at("2026-11-09"))
    assert read(found) == [(9, "whole"), (4, "carried")]
    assert [point.level for point in found] == [4, 4]


def test_what_adds_up_is_looked_at_from_its_first_report_on():
    now, began = at("2026-11-04 12:00"), at("2026-11-02 18:00")
    found = series.fill(spans(5), [bucket(2, 5)], "sum", now)
    assert series.past(found, now, began) == [(5, 6 * 3600), (0, 86_400)]


@pytest.mark.parametrize(("aggregation", "together"), [("sum", 9), ("unique", 9), ("max", 5), ("last", 4)])
def test_buckets_of_another_zone_come_together_on_one_day(aggregation, together):
    moved = [bucket(1, 5), Bucket(at("2026-11-01 23:00"), Decimal(4), 2)]
    found = series.fill(spans(1), moved, aggregation, at("2026-11-09"))
    assert (found[0].quantity, found[0].events) == (together, 3)


def test_what_was_reported_minutes_ahead_is_there():
    found = series.fill(spans(2), [bucket(2, 1)], "sum", at("2026-11-01 23:58"))
    assert read(found) == [(0, "running"), (1, "whole")]
