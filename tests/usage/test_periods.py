"""Periods follow whatever happens to a subscription: no moment in two of them, each event where it belongs."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Resource, Subscription, UsageCharge, UsageEvent, UsagePeriod
from portal.outbox import Work
from portal.pricing.renewals import Period, month_at, months_after
from portal.usage import closing, figures, following, ingest, moves, periods, verify
from tests.pages import rows
from tests.support.shopping import make_tenant

START = datetime(2026, 1, 31, 10, 17, 23, tzinfo=UTC)
DAY = timedelta(days=1)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 40 * 24 * 60)),  # minutes
        st.tuples(st.just("report"), st.integers(0, 40 * 24 * 60)),  # of minutes ago
        st.tuples(st.just("flood"), st.integers(0, 40 * 24 * 60)),
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
        self.reported = self.events = 0  # calls, and events of all kinds
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
        self.events += 1

    def flood(self, minutes):
        """Levels and values of several sources, in every hour of some days and every minute of the last hour."""
        ages = [*range(0, minutes, 97), *range(0, 60, 7)]
        given = [
            {
                "resource_type": kind,
                "quantity": (age * 31 + 7) % 50,
                "timestamp": (self.now - timedelta(minutes=age)).isoformat(),
                "source": f"host-{age % 3}",
                "value": f"person-{age % 5}",
            }
            for age in ages
            for kind in ("storage_gb", "level", "visitors")
        ]
        with tenancy.bound(self.tenant_id):
            assert not ingest.record(json.dumps(given)).count("rejected")
        self.events += len(given)

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
            assert len(events) == self.events
            for event in events:
                period = by_id[event.period_id]
                assert event.is_late or period.starts_at <= event.counted_at < period.ends_at
            for period in periods:
                if period.closed_at is not None and period.plan_id is not None:
                    of_it = select(UsageCharge.quantity).where(
                        UsageCharge.period_id == period.id, UsageCharge.resource_type == "api_calls"
                    )
                    charged = db.session.scalar(of_it.order_by(UsageCharge.number.desc()).limit(1))
                    assert charged == figures.used(period.id).get("api_calls")
            assert verify.differences() == []
            assert sum(figures.used(period.id).get("api_calls", 0) for period in periods) == self.reported


@pytest.mark.parametrize("on_change", ["carry_on", "split"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=steps)
def test_whatever_happens(web, worker, monkeypatch, on_change, history, request):
    configured = web.extensions["settings"]
    with rows.written(configured) as session:
        session.execute(text("UPDATE plans SET usage_on_change = :it"), {"it": on_change})
        for name, aggregation in (("level", "last"), ("visitors", "unique")):
            session.merge(Resource(resource_type=name, aggregation=aggregation, names={}))
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


READ = """
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) AS read,
        sum(n_tup_ins + n_tup_upd + n_tup_del) AS written
    FROM pg_stat_xact_user_tables WHERE relname LIKE 'usage\\_%'"""
EVENTS = """
    INSERT INTO usage_events (tenant_id, recorded_at, id, resource_type, quantity, counted_at, period_id, source, value)
    SELECT p.tenant_id, now(), gen_random_uuid(), kind, 1, p.starts_at + n * interval '7 hours' * 60 / :number, p.id,
        'host-' || n % 3, 'person-' || n % 9
    FROM usage_periods p, generate_series(1, :number) n, unnest(ARRAY['api_calls', 'level', 'visitors']) kind
    WHERE p.tenant_id = :tenant"""


def rows_of_an_end(world, number):
    """How many rows are read and written where a subscription with so many events ends, with thirty after its end."""
    world.start("month")
    with rows.written(world.settings) as session:
        session.execute(text(EVENTS), {"tenant": world.tenant_id, "number": number})
        session.execute(text("ANALYZE usage_events"))
    with world.worker.app_context(), tenancy.bound(world.tenant_id):
        moves.sum_anew(db.session.scalars(select(UsagePeriod.id)).all())
        db.session.commit()
    world.moved_to(world.now + 20 * DAY)
    with rows.written(world.settings) as session:
        row = world.subscription(session)
        row.ended_at, row.status = world.now, "canceled"
    world.moved_to(world.now + timedelta(minutes=40))
    for _ in range(30):
        world.report(20)
    cost = []
    looking = lambda session: cost.append(session.execute(text(READ)).one())  # noqa: E731
    event.listen(Session, "before_commit", looking)
    try:
        world.heard()
    finally:
        event.remove(Session, "before_commit", looking)
    with tenancy.bound(world.tenant_id):
        assert verify.differences() == []
        assert sorted(figures.used(row.id).get("api_calls") for row in periods.still_open()) == [30, number]
    return cost[0]


def test_an_end_costs_what_lies_behind_it(web, worker, monkeypatch):
    """Ten times the events before it make it no dearer."""
    configured = web.extensions["settings"]
    with rows.written(configured) as session:
        for name, aggregation in (("level", "last"), ("visitors", "unique")):
            session.add(Resource(resource_type=name, aggregation=aggregation, names={}))
    few, many = (rows_of_an_end(World(configured, worker, monkeypatch), number) for number in (2_000, 20_000))
    assert 10 * many.read <= 11 * few.read
    assert many.written <= few.written
