"""Usage by hour is of recent days: older hours go, in small steps, and nothing else does."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text

from portal import clock, config, tenancy
from portal.extensions import db
from portal.models import Resource, UsagePeriod, UsageRollup, UsageUnique
from portal.usage import closing, course, figures, hours, ingest, mending, verify
from tests.pages import rows
from tests.support.database import environment

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEPT = 35


@pytest.fixture(name="reported")
def fixture_reported(web, tenant, settings, monkeypatch):
    """An event of each kind every three hours over ninety days, as it was reported then."""
    with rows.written(settings) as session:
        session.add(Resource(resource_type="visitors", aggregation="unique", names={}))
    with tenancy.bound(tenant):
        for day in range(90):
            at = BEGAN + timedelta(days=day)
            monkeypatch.setattr("portal.clock.stripe_now", lambda at=at: at + timedelta(days=1))
            ingest.record(json.dumps([event(at + timedelta(hours=hour)) for hour in range(0, 24, 3)]))
            ingest.record(json.dumps([event(at, "visitors", value=f"v{day}")]))
    return tenant


def event(at, resource_type="api_calls", **more):
    return {"resource_type": resource_type, "quantity": 1, "timestamp": at.isoformat(), **more}


def oldest(model, grain="hour"):
    return db.session.scalar(select(func.min(model.bucket_at)).where(model.grain == grain))


def test_hours_go_as_time_goes_on_and_days_stay(reported, worker, monkeypatch):
    with tenancy.bound(reported):
        days = db.session.scalar(select(func.count()).where(UsageRollup.grain == "day"))
        used = {period.id: figures.used(period.id) for period in db.session.scalars(select(UsagePeriod))}
    with worker.app_context():
        for later in (0, 1, 30, 200):
            now = BEGAN + timedelta(days=90 + later)
            monkeypatch.setattr("portal.clock.stripe_now", lambda now=now: now)
            assert hours.forget_old(0) == 0
            closing.close_due()
            assert hours.forget_old(KEPT) > 0
            assert hours.forget_old(KEPT) == 0
            with tenancy.bound(reported):
                found, horizon = oldest(UsageRollup), now - timedelta(days=KEPT)
                assert found is None or horizon <= found <= horizon + timedelta(hours=3)
                seen = oldest(UsageUnique)
                assert seen is None or horizon <= seen <= horizon + timedelta(days=1)
                assert verify.differences() == []
    with tenancy.bound(reported):
        assert oldest(UsageRollup) is None
        assert db.session.scalar(select(func.count()).where(UsageRollup.grain == "day")) == days
        assert {period.id: figures.used(period.id) for period in db.session.scalars(select(UsagePeriod))} == used


def test_what_comes_late_or_is_made_anew_brings_no_old_hours_back(reported, worker, settings):
    with worker.app_context():
        assert hours.forget_old(KEPT) == 0, "an open period's bounds may move, and its days are then made of its hours"
        closing.close_due()
        assert hours.forget_old(KEPT) > 0
    late = BEGAN + timedelta(hours=2)
    with tenancy.bound(reported):
        ingest.record(json.dumps([event(late)]))
        assert verify.differences() == []
        first = db.session.scalars(select(UsagePeriod).order_by(UsagePeriod.starts_at)).first()
        resource = db.session.get_one(Resource, "api_calls")
        shown = course.of(first, resource, ZoneInfo("UTC"), clock.stripe_now())
        assert shown.hours(late.date(), shown.days()) == (), "one report of a day is not the day"
    with rows.written(settings) as session:
        session.execute(text("UPDATE usage_rollups SET total = total + 1 WHERE grain = 'day'"))
    with worker.app_context(), tenancy.bound(reported):
        assert mending.mend() > 0
        assert verify.differences() == []
        wanted = (
            select(func.count())
            .select_from(UsageRollup)
            .join(UsagePeriod, UsagePeriod.id == UsageRollup.period_id)
            .where(UsageRollup.grain == "hour", UsageRollup.bucket_at < UsagePeriod.hours_since)
        )
        assert db.session.scalar(wanted) == 0


def test_a_setting_that_says_nothing_is_refused(settings):
    with pytest.raises(config.ConfigError, match="USAGE_HOURS_KEPT_DAYS"):
        config.load({**environment(settings.database_url), "USAGE_HOURS_KEPT_DAYS": "-1"})
