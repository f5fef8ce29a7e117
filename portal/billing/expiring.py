"""Saying in time that a card that is to be charged expires."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, text

from portal import clock, tenancy
from portal.extensions import db
from portal.models.subscriptions import LIVE_STATUSES
from portal.notices.notify import notify

# Cards that would be charged (default or backup) of tenants whose plan goes on, each by its tenant's own time.
_EXPIRING = text("""
    SELECT m.tenant_id, m.id, t.at
    FROM payment_methods m
    JOIN customers c USING (tenant_id)
    CROSS JOIN LATERAL (SELECT coalesce(c.test_clock_at, :now) AS at) AS t
    JOIN subscriptions s ON s.tenant_id = m.tenant_id AND s.superseded_reason IS NULL
        AND s.status = ANY(:live)
    WHERE m.detached_at IS NULL AND m.exp_year IS NOT NULL AND m.exp_month IS NOT NULL
        AND m.exp_year * 12 + m.exp_month
            - (extract(year FROM t.at AT TIME ZONE 'UTC') * 12 + extract(month FROM t.at AT TIME ZONE 'UTC'))
            BETWEEN 0 AND 1
        AND s.cancel_at IS NULL AND NOT s.cancel_at_period_end
        AND m.stripe_payment_method_id IN (
            coalesce(s.default_payment_method, c.default_payment_method), c.backup_payment_method)
    ORDER BY m.tenant_id, m.id""")


def tell() -> int:
    """Tell the tenants concerned, once in the month before a card's last and once in its last; returns how many cards.

    Commits each tenant's notices by themselves.
    """
    found: list[Row[tuple[UUID, UUID, datetime]]]
    with tenancy.reader_session() as session:
        found = list(session.execute(_EXPIRING, {"now": clock.stripe_now(), "live": list(LIVE_STATUSES)}))
    for row in found:
        with tenancy.bound(row.tenant_id):
            notify("card_expires", str(row.id), step=f"{row.at:%Y-%m}")
            db.session.commit()
    return len(found)
