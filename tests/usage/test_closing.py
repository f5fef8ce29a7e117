"""Closing periods: one that cannot be closed holds up nobody, and no amount is too large to be written down."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.models import DriftFinding, OutboxRow, PlanResource, UsageCharge, UsagePeriod
from portal.usage import closing, ingest
from tests.pages import rows
from tests.support.shopping import make_tenant

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
HUGE = 999_999_999_999_999
MINUTE = timedelta(minutes=1)


@pytest.fixture(name="at")
def fixture_at(monkeypatch):
    """Set both clocks."""

    def at(moment):
        monkeypatch.setattr("portal.clock.stripe_now", lambda: moment)
        monkeypatch.setattr("portal.clock.now", lambda: moment)

    return at


@pytest.fixture(name="sold")
def fixture_sold(web, settings, at):
    """A tenant maker whose plan sells calls and storage, one minor unit each."""
    with rows.written(settings) as session:
        tiers = {"usd": [{"up_to": None, "unit_amount_decimal": "1"}]}
        for kind in ("api_calls", "storage_gb"):
            session.add(
                PlanResource(plan_id="starter", resource_type=kind, included=10, limit_kind="soft", tiers=tiers)
            )
    at(END - MINUTE)

    def tenant(plan_id="starter"):
        tenant_id = make_tenant()
        with rows.written(settings) as session:
            span = {"current_period_start": START, "current_period_end": END}
            rows.subscription(session, tenant_id, plan_id, **span)
        return tenant_id

    return tenant


def report(tenant_id, *quantities, kind="api_calls"):
    with tenancy.bound(tenant_id):
        given = [{"resource_type": kind, "quantity": quantity} for quantity in quantities]
        assert not ingest.record(json.dumps(given)).others


def charged(tenant_id):
    with tenancy.bound(tenant_id):
        found = db.session.scalars(select(UsageCharge).order_by(UsageCharge.resource_type, UsageCharge.number)).all()
        return [(row.resource_type, row.amount_minor, row.parked_at is not None) for row in found]


def close(worker):
    with worker.app_context():
        return closing.close_due()


def findings(settings):
    with rows.written(settings) as session:
        return session.scalars(select(DriftFinding).order_by(DriftFinding.id)).all()


@pytest.fixture(name="bad")
def fixture_bad(sold, settings):
    """A tenant whose plan's price is none: what it used cannot be priced."""
    tenant_id = sold("professional")
    report(tenant_id, 20)
    with rows.written(settings) as session:
        session.add(PlanResource(plan_id="professional", resource_type="api_calls", included=10, limit_kind="soft",
                                 tiers={"usd": []}))  # fmt: skip
    return tenant_id


def test_a_period_that_fails_holds_up_nobody(sold, bad, worker, at, settings, monkeypatch):
    monkeypatch.setattr(closing, "AT_ONCE", 1)  # the failing one is at the head of the line
    good = sold()
    report(good, 30)
    with rows.written(settings) as session:
        session.execute(
            text("UPDATE usage_periods SET ends_at = ends_at - interval '1 s' WHERE tenant_id = :it"), {"it": bad}
        )
    at(END + timedelta(days=1))
    assert close(worker) == 1
    assert (charged(good), findings(settings)) == ([], [])
    assert close(worker) == 1
    assert charged(good) == [("api_calls", 20, False)]
    for _ in range(3):
        close(worker)
    assert [(row.tenant_id, row.kind) for row in findings(settings)] == [(bad, "period_not_closed")]


def test_a_period_that_failed_is_tried_again_after_a_pause(bad, worker, at, settings):
    later = END + timedelta(days=1)
    at(later)
    assert [close(worker) for _ in range(4)] == [1, 1, 0, 0]
    at(later + MINUTE)
    assert [close(worker), close(worker)] == [1, 0]
    at(later + 2 * MINUTE)
    assert close(worker) == 0
    for _ in range(20):
        with rows.written(settings) as session:
            at(session.scalar(select(UsagePeriod.retry_at).where(UsagePeriod.closed_at.is_(None))))
        assert close(worker) == 1
    with rows.written(settings) as session:
        waits = session.scalar(select(UsagePeriod.retry_at).where(UsagePeriod.closed_at.is_(None)))
        session.execute(text("UPDATE plan_resource_versions SET tiers = '{}' WHERE plan_id = 'professional'"))
    at(waits)
    close(worker)
    assert charged(bad) == [("api_calls", 0, False)]
    assert [row.resolved_at is not None for row in findings(settings)] == [True]


def test_an_absurd_amount_is_written_down_exactly_and_kept_back(sold, worker, at, settings):
    tenant_id = sold()
    report(tenant_id, *[HUGE] * 10_000)
    report(tenant_id, 25, kind="storage_gb")
    with rows.written(settings) as session:
        package = "UPDATE plan_resource_versions SET package_size = 0.000000001 WHERE resource_type = 'api_calls'"
        session.execute(text(package))
    at(END + timedelta(days=1))
    close(worker)
    amount = (HUGE * 10_000 - 10) * 10**9
    assert charged(tenant_id) == [("api_calls", amount, True), ("storage_gb", 15, False)]
    (found,) = findings(settings)
    assert (found.kind, found.details["amount_minor"]) == ("charge_too_large", str(amount))
    with rows.written(settings) as session:
        owed = session.scalars(select(OutboxRow.kind).where(OutboxRow.tenant_id == tenant_id)).all()
    assert "usage.bill" in owed


def test_what_is_too_much_for_one_invoice_together(sold, worker, at):
    tenant_id = sold()
    report(tenant_id, 60_000_000)
    report(tenant_id, 70_000_000, kind="storage_gb")
    at(END + timedelta(days=1))
    close(worker)
    assert charged(tenant_id) == [("api_calls", 59_999_990, False), ("storage_gb", 69_999_990, True)]


def test_a_correction_of_what_was_kept_back_is_kept_back(sold, worker, at):
    """The charge itself was never sent: giving a part of it back would be a gift."""
    tenant_id = sold()
    report(tenant_id, 200_000_000)
    with worker.app_context(), tenancy.bound(tenant_id):
        closing.locks.alone()
        closing.charges.add_up(db.session.scalars(select(UsagePeriod)).one())
        db.session.commit()
    report(tenant_id, 5)
    at(END + timedelta(days=1))
    close(worker)
    assert charged(tenant_id) == [("api_calls", 199_999_990, True), ("api_calls", 5, True)]
