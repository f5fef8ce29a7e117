"""An event belongs to the period that holds its moment: one that is closed, one to come, or one of nobody's."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.models import PlanResource, UsageCharge, UsageEvent, UsagePeriod
from portal.usage import closing, figures, ingest, periods, verify
from tests.pages import rows
from tests.support.shopping import make_tenant
from tests.usage.metered import call

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
LATER = datetime(2026, 5, 1, tzinfo=UTC)
DEAR = {"usd": [{"up_to": None, "unit_amount_decimal": "100"}]}


@pytest.fixture(name="now")
def fixture_now(monkeypatch):
    """Sets the time."""
    return lambda moment: monkeypatch.setattr("portal.clock.stripe_now", lambda: moment)


@pytest.fixture(name="subscribed")
def fixture_subscribed(web, settings):
    """In March; every gigabyte beyond fifty costs a dollar."""
    tenant_id = make_tenant()
    with rows.written(settings) as session:
        rows.subscription(session, tenant_id, current_period_start=START, current_period_end=END)
        terms = {"included": 50, "limit_kind": "soft", "tiers": DEAR}
        session.add(PlanResource(plan_id="starter", resource_type="storage_gb", **terms))
    return tenant_id


def report(tenant_id, **event):
    with tenancy.bound(tenant_id):
        return ingest.record_one(json.dumps(event))


def of_event(tenant_id):
    """The only event, and the period that it is of."""
    with tenancy.bound(tenant_id):
        assert verify.differences() == []
        event = db.session.scalars(select(UsageEvent)).one()
        return event, db.session.get_one(UsagePeriod, (tenant_id, event.period_id))


def test_from_before_the_subscription_it_is_nobodys(subscribed, now):
    now(START + timedelta(hours=1))
    before = START - timedelta(hours=5)
    assert report(subscribed, **call(500_000, timestamp=before.isoformat())) == "late"
    event, period = of_event(subscribed)
    assert (event.counted_at, period.plan_id, period.ends_at) == (before, None, START)


def test_a_little_ahead_it_is_of_the_next_period(subscribed, now):
    now(END - timedelta(minutes=1))
    ahead = END + timedelta(minutes=2)
    assert report(subscribed, **call(5, timestamp=ahead.isoformat())) == "accepted"
    _event, period = of_event(subscribed)
    assert (period.starts_at, period.plan_id) == (END, "starter")


def test_a_level_of_last_month_does_not_raise_this_ones(subscribed, now, settings, worker):
    now(END - timedelta(days=1))
    report(subscribed, resource_type="storage_gb", quantity=400)
    with rows.written(settings) as session:
        session.execute(text("UPDATE subscriptions SET current_period_start = :start, current_period_end = :end"),
                        {"start": END, "end": LATER})  # fmt: skip
    now(END + timedelta(hours=2))
    close(worker)
    yesterday = (END - timedelta(hours=3)).isoformat()
    assert report(subscribed, resource_type="storage_gb", quantity=480, timestamp=yesterday) == "late"
    report(subscribed, resource_type="storage_gb", quantity=20)
    with tenancy.bound(subscribed):
        period = periods.current(END + timedelta(hours=2))
        assert figures.used(period.id) == {"storage_gb": 20}
    now(LATER + timedelta(hours=2))
    close(worker)
    close(worker)
    with tenancy.bound(subscribed):
        charges = db.session.scalars(select(UsageCharge).order_by(UsageCharge.id)).all()
        assert sorted((row.number, row.quantity, row.amount_minor) for row in charges) == [
            (1, 20, 0), (1, 400, 35_000), (2, 480, 8_000),
        ]  # fmt: skip


def test_a_test_clock_does_not_say_when_it_was_recorded(subscribed, now):
    """Months of events are those of real time: nobody makes the month of a clock that is far ahead."""
    now(END + timedelta(days=900))
    report(subscribed, **call(1))
    event, _period = of_event(subscribed)
    assert abs(event.recorded_at - datetime.now(UTC)) < timedelta(minutes=5)


def close(worker):
    with worker.app_context():
        closing.close_due()
