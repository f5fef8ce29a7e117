"""Refreshing the summary table of business figures: set-based, over all tenants, on the read-only role."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import current_app
from sqlalchemy import delete, insert, text
from sqlalchemy.orm import Session

from portal import money
from portal.extensions import db
from portal.gateway import kinds
from portal.mirror import drift, missed_events, sweep
from portal.models import MetricValue
from portal.tenancy import reader_session

Figure = tuple[str, dict[str, Any], Decimal]

# MRR: what live, paying subscriptions cost a month; a year counts a twelfth. Trials pay nothing yet.
_MRR = text("""
    SELECT coalesce(sum(unit_amount_minor * quantity / CASE interval WHEN 'year' THEN 12.0 ELSE 1 END), 0)
    FROM subscriptions
    WHERE superseded_reason IS NULL AND status IN ('active', 'past_due') AND currency = :currency""")
_SUBSCRIPTIONS = text("""
    SELECT status, plan_id, count(*) FROM subscriptions WHERE superseded_reason IS NULL GROUP BY 1, 2""")
_PAYMENTS = text("SELECT status, count(*) FROM payments GROUP BY 1")
_OUTBOX = text("""
    SELECT kind, count(*) FROM outbox
    WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= now() GROUP BY 1""")
_OLDEST = text("""
    SELECT coalesce(extract(epoch FROM now() - min(next_at)), 0) FROM outbox
    WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= now()""")
_FINDINGS = text("SELECT kind, count(*) FROM drift_findings WHERE resolved_at IS NULL GROUP BY 1")
# Only when every list was looked through once: the oldest of them, by the database's clock.
_CURSORS = text("""
    SELECT extract(epoch FROM now() - min(completed_at)) FROM stripe_cursors
    WHERE name = ANY(:names) HAVING count(completed_at) = cardinality(CAST(:names AS text[]))""")
_SWEEP = text("SELECT extract(epoch FROM now() - completed_at) FROM stripe_cursors WHERE name = :name")
_HEALED = text("SELECT details->>'kind', count(*) FROM drift_findings WHERE kind = :kind GROUP BY 1")


def refresh() -> None:
    """Replace the figures in one commit, so that a scrape never sees half of them."""
    figures = list(_figures())
    db.session.execute(delete(MetricValue))
    db.session.execute(
        insert(MetricValue),
        [{"name": name, "labels": labels, "value": value} for name, labels, value in figures],
    )
    db.session.commit()


def _figures() -> Iterable[Figure]:
    currency = current_app.extensions["settings"].currency
    with reader_session() as session:
        mrr_minor = Decimal(session.execute(_MRR, {"currency": currency}).scalar_one())
        yield "billing_monthly_revenue_dollars", {}, mrr_minor.scaleb(-money.exponent(currency))
        for status, plan_id, count in session.execute(_SUBSCRIPTIONS):
            yield "billing_subscriptions_total", {"status": status, "plan_id": plan_id}, Decimal(count)
        for status, count in session.execute(_PAYMENTS):
            yield "billing_payments_total", {"status": status}, Decimal(count)
        for kind, count in session.execute(_OUTBOX):
            yield "billing_outbox_due", {"kind": kind}, Decimal(count)
        yield "billing_outbox_oldest_seconds", {}, Decimal(session.execute(_OLDEST).scalar_one())
        for kind, count in session.execute(_FINDINGS):
            yield "billing_parked_total", {"kind": kind}, Decimal(count)
        yield from _reconciling(session)


def _reconciling(session: Session) -> Iterable[Figure]:
    names = [missed_events.cursor_name(group) for group in kinds.POLLED]
    if (lag := session.execute(_CURSORS, {"names": names}).scalar()) is not None:
        yield "billing_event_cursor_lag_seconds", {}, Decimal(lag)
    if (age := session.execute(_SWEEP, {"name": sweep.CURSOR}).scalar()) is not None:
        yield "billing_sweep_age_seconds", {}, Decimal(age)
    for kind, count in session.execute(_HEALED, {"kind": drift.HEALED}):
        yield "billing_drift_healed_total", {"kind": kind}, Decimal(count)
