"""What keeps usage right in the background: months made ahead, sums held against events by hand."""

import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import clock, tenancy
from portal.extensions import db
from portal.models import UsageEvent, UsageRollup
from portal.usage import closing, figures, ingest, partitions, periods, verify
from tests.pages import rows


def test_months_are_made_ahead_once(worker, monkeypatch):
    monkeypatch.setattr("portal.clock.now", lambda: datetime(2031, 11, 30, 23, tzinfo=UTC))
    with worker.app_context():
        assert partitions.make_ahead() == [date(2031, 11, 1), date(2031, 12, 1), date(2032, 1, 1), date(2032, 2, 1)]
        assert partitions.make_ahead() == []


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
        assert verify.differences() == []
        assert ingest.record(json.dumps([event])).status(0) == "duplicate"
    with rows.written(settings) as session:
        left = session.scalar(text("SELECT to_regclass('usage_events_p2025_03') IS NOT NULL"))
    assert left is not drops


def test_the_last_months_stay_whatever_is_asked(worker):
    with worker.app_context(), pytest.raises(DBAPIError, match="last three months"):
        tenancy.execute_function("retire_usage_partition", clock.now().date(), True)
