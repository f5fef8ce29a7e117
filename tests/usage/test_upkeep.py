"""What keeps usage right in the background: months made ahead, sums held against events by hand."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import clock, tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import DriftFinding, Resource, UsageEvent, UsageRollup
from portal.usage import closing, figures, ingest, mending, partitions, periods, verify
from tests.pages import rows

MONTHS = [date(2031, 11, 1), date(2031, 12, 1), date(2032, 1, 1), date(2032, 2, 1)]


def test_months_are_made_ahead_once(worker, monkeypatch):
    monkeypatch.setattr("portal.clock.now", lambda: datetime(2031, 11, 30, 23, tzinfo=UTC))
    with worker.app_context():
        assert partitions.make_ahead() == MONTHS
        assert partitions.make_ahead() == []


def places(settings):
    """Where the events are, by table, oldest first."""
    with rows.written(settings) as session:
        found = session.execute(text("SELECT tableoid::regclass::text AS place FROM usage_events ORDER BY recorded_at"))
        return [row.place for row in found]


def record(settings, tenant_id, *moments):
    """Events recorded at moments of no month that was made."""
    with rows.written(settings) as session:
        for at in moments:
            kind = {"resource_type": "api_calls", "quantity": 1, "period_id": uuid7()}
            session.add(UsageEvent(tenant_id=tenant_id, id=uuid7(), recorded_at=at, counted_at=at, **kind))


def test_events_of_a_month_that_nobody_had_made_get_a_place_of_their_own(web, worker, tenant, settings, monkeypatch):
    """A clock far ahead recorded some; later its time comes. Nobody made months for a while; those are made up for."""
    ahead, past = datetime(2032, 1, 31, 23, 59, tzinfo=UTC), datetime(2031, 9, 1, tzinfo=UTC)
    record(settings, tenant, past, ahead)
    assert places(settings) == ["usage_events_p0"] * 2
    monkeypatch.setattr("portal.clock.now", lambda: datetime(2031, 11, 30, 23, tzinfo=UTC))
    with worker.app_context():
        assert partitions.make_ahead() == [date(2031, 9, 1), *MONTHS]
        assert partitions.make_ahead() == []
    assert places(settings) == ["usage_events_p2031_09", "usage_events_p2032_01"]
    with rows.written(settings) as session:
        forced = text("SELECT relforcerowsecurity FROM pg_class WHERE relname = ANY(:them)")
        assert set(session.scalars(forced, {"them": ["usage_events_p0", "usage_events_p2031_09"]})) == {True}


def test_an_owner_whom_row_level_security_binds_moves_them_too(web, worker, tenant, settings, monkeypatch):
    """On a given server the owner is no superuser: forced policies hide the default partition's rows from it."""
    at = datetime(2031, 12, 5, tzinfo=UTC)
    record(settings, tenant, at)
    owner = f"plain_{uuid7().hex}"
    with rows.written(settings) as session:
        session.execute(text(f"CREATE ROLE {owner}; GRANT USAGE, CREATE ON SCHEMA public TO {owner}"))
        for table in ("usage_events", "usage_events_p0"):
            session.execute(text(f"ALTER TABLE {table} OWNER TO {owner}"))
        session.execute(text(f"ALTER FUNCTION make_usage_partition OWNER TO {owner}"))
    monkeypatch.setattr("portal.clock.now", lambda: datetime(2031, 11, 30, 23, tzinfo=UTC))
    with worker.app_context():
        assert partitions.make_ahead() == MONTHS
    assert places(settings) == ["usage_events_p2031_12"]
    with rows.written(settings) as session:
        session.execute(text(f"REASSIGN OWNED BY {owner} TO current_user; DROP OWNED BY {owner}; DROP ROLE {owner}"))


def test_a_month_that_cannot_be_made_keeps_no_other_from_it(worker, settings, monkeypatch):
    """Something else has its name."""
    with rows.written(settings) as session:
        session.execute(text("CREATE TYPE usage_events_p2031_12 AS ENUM ()"))
    monkeypatch.setattr("portal.clock.now", lambda: datetime(2031, 11, 30, 23, tzinfo=UTC))
    with worker.app_context():
        assert partitions.make_ahead() == [date(2031, 11, 1), date(2032, 1, 1), date(2032, 2, 1)]
        assert partitions.make_ahead() == []
    with rows.written(settings) as session:
        found = session.scalars(select(DriftFinding)).all()
        assert [(row.kind, row.object_id) for row in found] == [("usage_month_failed", "make_usage_partition:2031-12")]
        session.execute(text("DROP TYPE usage_events_p2031_12"))
    with worker.app_context():
        assert partitions.make_ahead() == [date(2031, 12, 1)]


def test_a_sum_that_was_damaged_is_found(web, tenant, settings):
    with tenancy.bound(tenant):
        ingest.record(json.dumps([{"resource_type": "api_calls", "quantity": 5}]))
        assert verify.differences() == []
    with rows.written(settings) as session:
        session.execute(text("UPDATE usage_rollups SET total = total + 1 WHERE grain = 'day'"))
    command = web.test_cli_runner().invoke(args=["usage", "verify"])
    assert command.exit_code == 1
    assert "api_calls day" in command.output
    assert "6.000000000 instead of 5.000000000" in command.output
    with tenancy.bound(tenant):
        db.session.rollback()
        assert len(verify.differences()) == 1


# What is done to usage that fits together, and how that is told.
DAMAGES = {
    "an event of no period": (
        "UPDATE usage_events SET period_id = gen_random_uuid() WHERE event_id = 'a'",
        "events api_calls .*: 1 of no period",
    ),
    "sums of no period": (
        "UPDATE usage_rollups SET period_id = gen_random_uuid() WHERE grain = 'day' AND resource_type = 'storage_gb'",
        "sums storage_gb day .*: 1 of no period",
    ),
    "values of no period": (
        "UPDATE usage_uniques SET period_id = gen_random_uuid() WHERE grain = 'day'",
        "sums visitors day .*: 1 of no period",
    ),
    "an id without its event": ("DELETE FROM usage_events WHERE event_id = 'a'", "id a .*: without its event"),
    "an event without its id": ("DELETE FROM usage_keys WHERE event_id = 'a'", "event a .*: without its id"),
    "an id of another event": (
        "UPDATE usage_keys SET id = (SELECT id FROM usage_keys WHERE event_id = 'b') WHERE event_id = 'a'",
        "event a .*: without its id",
    ),
    "a value that is missing": (
        "DELETE FROM usage_uniques WHERE grain = 'period' AND value = 'ada'",
        "values visitors period .*: 1 different ones, of which 1 are among the 2 of the events",
    ),
    "a value that nobody reported": (
        "UPDATE usage_uniques SET value = 'eve' WHERE grain = 'hour' AND value = 'ada'",
        "values visitors hour .*: 2 different ones, of which 1 are among the 2 of the events",
    ),
    "a charge of another quantity": (
        "UPDATE usage_charges SET quantity = 7 WHERE resource_type = 'api_calls'",
        "charge api_calls .*: of 7.000000000 instead of 8.000000000",
    ),
    "sums of another quantity than the charge": (
        "UPDATE usage_rollups SET highest = 9 WHERE resource_type = 'storage_gb' AND grain = 'period'",
        "charge storage_gb .*: of 4.000000000 instead of 9.000000000",
    ),
}


@pytest.fixture(name="billed")
def fixture_billed(web, worker, tenant, settings, monkeypatch):
    """Calls, storage and visitors of a period that was closed and charged."""
    with rows.written(settings) as session:
        session.add(Resource(resource_type="visitors", aggregation="unique", names={}))
        rows.subscription(session, tenant)
    named = [{"resource_type": "api_calls", "quantity": 4, "event_id": name} for name in ("a", "b")]
    seen = [{"resource_type": "visitors", "quantity": 1, "value": name} for name in ("ada", "bob", "ada")]
    with tenancy.bound(tenant):
        ingest.record(json.dumps([*named, *seen, {"resource_type": "storage_gb", "quantity": 4}]))
    later = clock.now() + timedelta(days=40)
    monkeypatch.setattr("portal.clock.stripe_now", lambda: later)
    with worker.app_context():
        assert closing.close_due() == 1
    with rows.written(settings) as session:
        assert session.scalar(text("SELECT count(*) FROM usage_charges")) == 2
    return tenant


def test_all_of_usage_fits_together(billed, web):
    command = web.test_cli_runner().invoke(args=["usage", "verify"])
    assert (command.exit_code, command.output.count("\n")) == (0, 1), command.output


@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=DAMAGES)
def test_whatever_does_not_fit_is_found(billed, web, settings, damage, told):
    with rows.written(settings) as session:
        session.execute(text(damage))
    command = web.test_cli_runner().invoke(args=["usage", "verify"])
    assert command.exit_code == 1
    assert re.search(told, command.output), command.output


def test_many_events_may_take_their_time(web, tenant):
    with tenancy.bound(tenant):
        for question in (verify.differences, verify.values, verify.holes):
            db.session.rollback()
            question()
            assert db.session.scalar(text("SHOW statement_timeout")) == "6h"
        db.session.rollback()
        assert db.session.scalar(text("SHOW statement_timeout")) == "30s"


def test_values_are_made_anew(billed, worker, settings):
    with rows.written(settings) as session:
        session.execute(text("DELETE FROM usage_uniques WHERE grain = 'period' AND value = 'ada'"))
    with worker.app_context(), tenancy.bound(billed):
        assert mending.mend() == 1
        assert verify.values() == []


def test_damaged_sums_are_made_anew(web, tenant, settings):
    with tenancy.bound(tenant):
        ingest.record(
            json.dumps([{"resource_type": "api_calls", "quantity": number, "source": "a"} for number in (1, 2)])
        )
        ingest.record(json.dumps([{"resource_type": "users", "quantity": 7}]))
        known = figures.used(periods.current(clock.stripe_now()).id)
    with rows.written(settings) as session:
        session.execute(
            text("UPDATE usage_rollups SET total = total + 1, highest = 99 WHERE resource_type = 'api_calls'")
        )
        session.execute(text("DELETE FROM usage_rollups WHERE resource_type = 'users' AND grain = 'day'"))
        slug = session.scalar(text("SELECT slug FROM tenants WHERE id = :id"), {"id": tenant})
    mended = web.test_cli_runner().invoke(args=["usage", "rebuild", slug])
    assert mended.output == f"{slug}: 4 sums differed and were made anew\n"
    assert web.test_cli_runner().invoke(args=["usage", "rebuild", slug]).output.startswith(f"{slug}: 0 sums")
    assert web.test_cli_runner().invoke(args=["usage", "rebuild", "nobody"]).exit_code == 1
    with tenancy.bound(tenant):
        db.session.rollback()
        assert verify.differences() == []
        assert figures.used(periods.current(clock.stripe_now()).id) == known


@pytest.mark.parametrize("drops", [True, False])
def test_old_months_go_and_their_sums_and_ids_stay(web, worker, tenant, settings, monkeypatch, drops):
    long_ago = datetime(2025, 3, 7, tzinfo=UTC)
    event = {"resource_type": "api_calls", "quantity": 5, "event_id": "once"}
    with worker.app_context(), monkeypatch.context() as then:
        then.setattr("portal.clock.now", lambda: long_ago)
        partitions.make_ahead()
    with monkeypatch.context() as then:
        for name in ("now", "stripe_now"):  # recorded, and counted, in that month
            then.setattr(f"portal.clock.{name}", lambda: long_ago)
        with tenancy.bound(tenant):
            ingest.record(json.dumps([event]))
    with worker.app_context():
        assert partitions.retire(0, drops=drops) == []
        assert partitions.retire(12, drops=drops) == [], "its period is open"
        closing.close_due()
        assert partitions.retire(240, drops=drops) == []
        assert date(2025, 3, 1) in partitions.retire(12, drops=drops)
        assert partitions.retire(12, drops=drops) == []
    with tenancy.bound(tenant):
        assert db.session.scalars(select(UsageEvent)).all() == []
        assert db.session.scalar(select(UsageRollup.total).where(UsageRollup.grain == "period")) == 5
        assert [*verify.differences(), *verify.values(), *verify.holes()] == []
        assert ingest.record(json.dumps([event])).status(0) == "duplicate"
    with rows.written(settings) as session:
        left = session.scalar(text("SELECT to_regclass('usage_events_p2025_03') IS NOT NULL"))
    assert left is not drops


def test_the_last_months_stay_whatever_is_asked(worker):
    with worker.app_context(), pytest.raises(DBAPIError, match="last three months"):
        tenancy.execute_function("retire_usage_partition", clock.now().date(), True)
