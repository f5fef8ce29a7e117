"""Periods follow whatever happens to a subscription: no moment in two of them, each event where it belongs."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Subscription, UsageCharge, UsageEvent, UsagePeriod
from portal.outbox import Work
from portal.pricing.renewals import Period, month_at, months_after
from portal.usage import closing, figures, following, ingest, verify
from tests.pages import rows
from tests.support.shopping import make_tenant

START = datetime(2026, 1, 31, 10, 17, 23, tzinfo=UTC)
DAY = timedelta(days=1)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 40 * 24 * 60)),  # minutes
        st.tuples(st.just("report"), st.integers(0, 40 * 24 * 60)),  # of minutes ago
        st.tuples(st.just("start"), st.sampled_from(["month", "year", "trial"])),
        st.tuples(st.just("plan"), st.sampled_from(["starter", "professional"])),
        st.tuples(st.just("reset"), st.just(0)),
        st.tuples(st.just("end"), st.integers(0, 120)),  # heard of so many minutes later
        st.tuples(st.just("close"), st.just(0)),
    ),
    min_size=4,
    max_size=24,
)


class World:
    """A tenant whose subscription's row is written as the mirror would write it."""

    def __init__(self, configured, worker, monkeypatch):
        self.settings, self.worker, self.patch = configured, worker, monkeypatch
        self.tenant_id = make_tenant()
        self.now = START
        self.reported = 0
        self.moved_to(START)

    def moved_to(self, now):
        self.now = now
        self.patch.setattr("portal.clock.now", lambda: now)
        self.patch.setattr("portal.clock.stripe_now", lambda: now)

    def heard(self):
        """The mirror has applied a reading: periods follow."""
        work = Work(uuid7(), "usage.follow", str(uuid7()), uuid7(), self.tenant_id)
        with self.worker.app_context(), tenancy.bound(self.tenant_id):
            self.patch.setattr(following, "finish", lambda _work: None)
            following.follow(work)

    def subscription(self, session):
        wanted = select(Subscription).where(Subscription.tenant_id == self.tenant_id, Subscription.ended_at.is_(None))
        return session.scalars(wanted).first()

    def renewed(self, session):
        """What Stripe would have done by itself until now."""
        row = self.subscription(session)
        while row is not None and row.current_period_end <= self.now:
            months = 12 if row.interval == "year" else 1
            row.current_period_start, row.status = row.current_period_end, "active"
            row.current_period_end = months_after(row.current_period_start, months, row.current_period_start.day)
        return row

    def wait(self, minutes):
        self.moved_to(self.now + timedelta(minutes=minutes))
        with rows.written(self.settings) as session:
            self.renewed(session)
        self.heard()

    def report(self, minutes_ago):
        at = self.now - timedelta(minutes=minutes_ago)
        event = {"resource_type": "api_calls", "quantity": 1, "timestamp": at.isoformat()}
        with tenancy.bound(self.tenant_id):
            assert ingest.record_one(json.dumps(event)) in ("accepted", "late")
        self.reported += 1

    def start(self, kind):
        with rows.written(self.settings) as session:
            if self.renewed(session) is not None:
                return
            ends = (
                self.now + 14 * DAY
                if kind == "trial"
                else months_after(self.now, 12 if kind == "year" else 1, self.now.day)
            )
            rows.subscription(
                session, self.tenant_id, status="trialing" if kind == "trial" else "active",
                stripe_subscription_id=f"sub_{uuid7()}", interval="year" if kind == "year" else "month",
                current_period_start=self.now, current_period_end=ends, started_at=self.now,
            )  # fmt: skip
        self.heard()

    def plan(self, plan_id):
        with rows.written(self.settings) as session:
            if (row := self.renewed(session)) is not None:
                row.plan_id = plan_id
        self.heard()

    def reset(self, _nothing):
        """The anchor moves to now, as with a change of interval."""
        with rows.written(self.settings) as session:
            if (row := self.renewed(session)) is not None and row.current_period_start < self.now:
                row.status, row.current_period_start = "active", self.now
                row.current_period_end = months_after(self.now, 12 if row.interval == "year" else 1, self.now.day)
        self.heard()

    def end(self, minutes):
        with rows.written(self.settings) as session:
            if (row := self.renewed(session)) is None or row.current_period_start >= self.now:
                return
            row.ended_at, row.status = self.now, "canceled"
        self.moved_to(self.now + timedelta(minutes=minutes))
        self.report(0)  # before anybody heard of the end
        self.heard()

    def close(self, _nothing):
        with self.worker.app_context():
            closing.close_due()

    def check(self):
        with tenancy.bound(self.tenant_id):
            periods = db.session.scalars(select(UsagePeriod).order_by(UsagePeriod.starts_at)).all()
            for one, later in pairwise(periods):
                assert one.ends_at <= later.starts_at
            by_id = {period.id: period for period in periods}
            events = db.session.scalars(select(UsageEvent)).all()
            assert len(events) == self.reported
            for event in events:
                period = by_id[event.period_id]
                assert event.is_late or period.starts_at <= event.counted_at < period.ends_at
            for period in periods:
                if period.closed_at is not None and period.plan_id is not None:
                    of_it = select(UsageCharge.quantity).where(UsageCharge.period_id == period.id)
                    charged = db.session.scalar(of_it.order_by(UsageCharge.number.desc()).limit(1))
                    assert charged == figures.used(period.id).get("api_calls")
            assert verify.differences() == []
            assert sum(sum(figures.used(period.id).values()) for period in periods) == self.reported


@pytest.mark.parametrize("on_change", ["carry_on", "split"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps)
def test_whatever_happens(web, worker, monkeypatch, on_change, history, request):
    configured = web.extensions["settings"]
    with rows.written(configured) as session:
        session.execute(text("UPDATE plans SET usage_on_change = :it"), {"it": on_change})
    with monkeypatch.context() as patched:
        world = World(configured, worker, patched)
        for name, value in history:
            getattr(world, name)(value)
            world.check()


moments = st.integers(0, 3653 * 86400).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(moments, st.sampled_from(["month", "year"]), st.integers(0, 3 * 366 * 86400))
def test_a_month_holds_the_moment_that_it_was_asked_for(begins, interval, seconds):
    ends = months_after(begins, 12 if interval == "year" else 1, begins.day)
    at = begins + timedelta(seconds=seconds)
    month = month_at(Period(begins, ends), interval, at)
    assert month.start <= at < month.end
    assert timedelta(days=28) <= month.end - month.start <= timedelta(days=31)
    assert month_at(Period(begins, ends), interval, month.end).start == month.end
