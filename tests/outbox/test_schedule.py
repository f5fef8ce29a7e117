"""Periodic work keeps its hour, whatever was missed and however late a ticker looks."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from apiflask import APIFlask

from portal.config import Settings
from portal.outbox import schedule
from tests.support import database

NIGHTLY = timedelta(days=1)


@pytest.fixture(autouse=True)
def fixture_context(worker: APIFlask) -> Iterator[None]:
    with worker.app_context():
        yield


def _due_since(settings: Settings, late: timedelta, every: timedelta) -> datetime:
    """Make one task, that should have been started ``late`` ago; returns when that was."""
    database.as_owner(settings, "DELETE FROM periodic_tasks")
    [row] = database.as_owner(
        settings,
        "INSERT INTO periodic_tasks (name, every_seconds, next_at)"
        " VALUES ('test', :seconds, now() - CAST(:late AS interval)) RETURNING next_at",
        late=late,
        seconds=every.total_seconds(),
    )
    return row["next_at"]


@pytest.mark.parametrize(
    ("late", "every", "turns"),
    [
        (timedelta(hours=6, minutes=10), NIGHTLY, 1),  # the portal was down at night, and began at 09:10
        (timedelta(days=3, hours=1), NIGHTLY, 4),
        (timedelta(seconds=0.9), timedelta(seconds=30), 1),  # the ticker looks every second
        (timedelta(seconds=95), timedelta(seconds=30), 4),
    ],
)
def test_the_next_turn_is_whole_intervals_after_the_last(
    settings: Settings, late: timedelta, every: timedelta, turns: int
) -> None:
    planned = _due_since(settings, late, every)
    assert schedule.start_due() == 1
    assert schedule.start_due() == 0, "missed turns are not made up for"
    rows = database.as_owner(settings, "SELECT next_at, next_at > now() AS is_ahead FROM periodic_tasks")
    assert rows == [{"next_at": planned + turns * every, "is_ahead": True}]
    keys = database.as_owner(settings, "SELECT key FROM outbox WHERE kind = 'periodic.test'")
    assert len(keys) == 1


def test_the_sweep_is_at_three_after_a_night_that_was_missed(settings: Settings) -> None:
    database.as_owner(settings, "UPDATE periodic_tasks SET next_at = next_at - interval '2 days'")
    assert schedule.start_due() > 0
    rows = database.as_owner(
        settings,
        "SELECT to_char(next_at AT TIME ZONE 'UTC', 'HH24:MI:SS.US') AS at, next_at > now() AS is_ahead"
        " FROM periodic_tasks WHERE name = 'sweep_live_objects'",
    )
    assert rows == [{"at": "03:00:00.000000", "is_ahead": True}]
