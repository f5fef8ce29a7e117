"""Where a change of plan splits a month: at the moment of the change, whenever it is heard of."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import StripeEvent, UsagePeriod
from portal.outbox import Work, stage
from portal.usage import following, ingest, verify
from tests.pages import rows
from tests.support.shopping import make_tenant

START, END, NEXT = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))
MINUTE = timedelta(minutes=1)


class Splitting:
    """A tenant on a plan, where plans split months."""

    def __init__(self, settings, worker, monkeypatch):
        self.settings, self.worker, self.monkeypatch = settings, worker, monkeypatch
        self.tenant_id = make_tenant()
        with rows.written(settings) as session:
            session.execute(text("UPDATE plans SET usage_on_change = 'split'"))
            span = {"current_period_start": START, "current_period_end": END}
            self.subscription = rows.subscription(session, self.tenant_id, "professional", **span)
        self.at(START + MINUTE)
        self.heard()

    def at(self, moment):
        self.monkeypatch.setattr("portal.clock.stripe_now", lambda: moment)

    def heard(self, **columns):
        """A reading has set these columns of the subscription: periods follow, as the outbox has them do."""
        with rows.written(self.settings) as session:
            given = {"id": self.subscription.id, **columns}
            sets = "".join(f", {name} = :{name}" for name in columns)
            session.execute(text(f"UPDATE subscriptions SET synced_at = now(){sets} WHERE id = :id"), given)  # noqa: S608
        with self.worker.app_context(), tenancy.bound(self.tenant_id):
            key = str(uuid7())
            stage("usage.follow", key, tenant_id=self.tenant_id)
            db.session.commit()
            token, named = uuid7(), {"key": key}
            leased = (
                "UPDATE outbox SET lease_token = :token, lease_until = now() + interval '1 minute' WHERE key = :key"
            )
            db.session.execute(text(leased), {"token": token, **named})
            row_id = db.session.scalar(text("SELECT id FROM outbox WHERE key = :key"), named)
            db.session.commit()
            following.follow(Work(row_id, "usage.follow", key, token, self.tenant_id))

    def report(self, at):
        event = {"resource_type": "api_calls", "quantity": 1, "timestamp": at.isoformat()}
        with tenancy.bound(self.tenant_id):
            ingest.record_one(json.dumps(event))

    def changed_by_us(self, effective_at, timing):
        with rows.written(self.settings) as session:
            given = {"plan_id": "starter", "timing": timing, "effective_at": effective_at}
            rows.plan_change(session, self.tenant_id, "applied", **given)

    def told_by_stripe(self, at, begins=(START, START)):
        """An event that tells of another price, and perhaps of another period."""
        items = [
            {"data": [{"price": {"id": name}, "current_period_start": int(start.timestamp())}]}
            for name, start in zip(("price_old", "price_new"), begins, strict=True)
        ]
        with rows.written(self.settings) as session:
            payload = {"data": {"object": {"items": items[1]}, "previous_attributes": {"items": items[0]}}}
            named = {"object_id": self.subscription.stripe_subscription_id, "type": "customer.subscription.updated"}
            session.add(StripeEvent(id=f"evt_{uuid7()}", livemode=False, payload=payload, created_at=at, **named))

    @property
    def parts(self):
        with tenancy.bound(self.tenant_id):
            assert verify.differences() == []
            found = db.session.scalars(select(UsagePeriod).order_by(UsagePeriod.starts_at)).all()
            return [(row.starts_at, row.ends_at, row.plan_id) for row in found]


RENEWED = {"plan_id": "starter", "current_period_start": END, "current_period_end": NEXT}


@pytest.fixture(name="life")
def fixture_life(web, settings, worker, monkeypatch):
    return Splitting(settings, worker, monkeypatch)


@pytest.mark.parametrize("knows", ["nobody", "us", "stripe"])
def test_a_plan_that_changed_with_a_renewal_has_all_of_the_month(life, knows):
    """A report between the renewal and its news had begun the month under the former plan."""
    if knows == "us":
        life.changed_by_us(END, "period_end")
    if knows == "stripe":
        life.told_by_stripe(END + 2 * MINUTE, (START, END))
    life.at(END + 20 * MINUTE)
    life.report(END + 20 * MINUTE)
    life.at(END + 40 * MINUTE)
    life.heard(**RENEWED)
    assert life.parts == [(START, END, "professional"), (END, NEXT, "starter")]


def test_a_change_after_a_renewal_that_are_heard_of_together(life):
    life.changed_by_us(END + 10 * MINUTE, "now")
    life.at(END + 20 * MINUTE)
    life.report(END + 20 * MINUTE)
    life.at(END + 40 * MINUTE)
    life.heard(**RENEWED)
    cut = END + 10 * MINUTE
    assert life.parts == [(START, END, "professional"), (END, cut, "professional"), (cut, NEXT, "starter")]


@pytest.mark.parametrize("knows", ["us", "stripe", "nobody"])
def test_a_change_heard_of_late_splits_where_it_happened(life, knows):
    cut, heard_at = START + timedelta(days=10), START + timedelta(days=10, hours=5)
    if knows == "us":
        life.changed_by_us(cut, "now")
    if knows == "stripe":
        life.told_by_stripe(cut)
        life.told_by_stripe(cut + MINUTE, (START, START))
        with rows.written(life.settings) as session:  # newer, and of something else
            session.execute(
                text("UPDATE stripe_events SET payload = jsonb_set(payload, '{data,previous_attributes}', '{}')"
                     " WHERE created_at > :cut"), {"cut": cut}
            )  # fmt: skip
    life.at(heard_at)
    for at in (cut - MINUTE, cut, cut + MINUTE):
        life.report(at)
    life.heard(plan_id="starter")
    if knows == "nobody":
        cut = heard_at
    assert life.parts == [(START, cut, "professional"), (cut, END, "starter")]


def test_a_change_in_a_month_whose_renewal_was_heard_of_splits_it(life):
    """What was foretold is known by then."""
    life.at(END + 20 * MINUTE)
    life.report(END + 20 * MINUTE)
    life.at(END + 40 * MINUTE)
    life.heard(**{**RENEWED, "plan_id": "professional"})
    cut = END + timedelta(days=3)
    life.at(cut)
    life.heard(plan_id="starter")
    assert life.parts[1:] == [(END, cut, "professional"), (cut, NEXT, "starter")]
