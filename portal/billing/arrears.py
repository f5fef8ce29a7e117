"""What is said on every page of a tenant that owes: one query, and nothing when nothing is owed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from portal import tenancy
from portal.extensions import db

# The invoice that is overdue for longest; one whose payment is on its way only when no other needs anybody.
_OWED = text("""
    SELECT i.id, i.number, i.amount_remaining_minor, i.currency, i.payment_state, i.failure_code, i.attempt_count,
        i.next_payment_attempt_at, i.overdue_since, i.hosted_invoice_url,
        coalesce(s.state, 'good') AS standing, s.overdue_since AS standing_since,
        p.restricted_after_days, p.suspended_after_days,
        count(*) FILTER (WHERE i.payment_state <> 'processing') OVER () AS unpaid,
        sum(i.amount_remaining_minor) FILTER (WHERE i.overdue_since IS NOT NULL)
            OVER (PARTITION BY i.currency) AS overdue
    FROM invoices i CROSS JOIN settings p LEFT JOIN standings s ON s.tenant_id = i.tenant_id
    WHERE i.tenant_id = :tenant_id AND i.status = 'open' AND i.amount_remaining_minor > 0
        AND (i.overdue_since IS NOT NULL OR i.payment_state = 'processing')
    ORDER BY (i.payment_state = 'processing'), i.overdue_since, i.id LIMIT 1""")


@dataclass(frozen=True)
class Arrears:
    """The invoice to speak of. Amount in minor units of ``currency``; moments in business time, UTC.

    ``unpaid``: how many invoices are overdue without a payment on its way; ``overdue_minor``: what all
    that are overdue in this currency come to. ``restricted_at`` and ``suspended_at``:
    when the policy has these states begin, past or future.
    """

    invoice_id: UUID
    number: str
    amount_minor: int
    currency: str
    payment_state: str
    failure_code: str | None
    attempt_count: int
    next_attempt_at: datetime | None
    hosted_invoice_url: str | None
    standing: str
    unpaid: int
    overdue_minor: int
    restricted_at: datetime | None
    suspended_at: datetime | None

    @property
    def is_processing(self) -> bool:
        """Whether a bank works on it: there is nothing to do but to wait."""
        return self.payment_state == "processing"


def current() -> Arrears | None:
    """What the bound tenant owes and should have paid, or what is just being paid; ``None`` when there is nothing."""
    tenant_id = tenancy.current().tenant_id
    if tenant_id is None:
        return None
    row = db.session.execute(_OWED, {"tenant_id": tenant_id}).first()
    if row is None:
        return None
    since = row.standing_since or row.overdue_since
    return Arrears(
        invoice_id=row.id,
        number=row.number or "",
        amount_minor=row.amount_remaining_minor,
        currency=row.currency,
        payment_state=row.payment_state,
        failure_code=row.failure_code,
        attempt_count=row.attempt_count,
        next_attempt_at=row.next_payment_attempt_at,
        hosted_invoice_url=row.hosted_invoice_url,
        standing=row.standing,
        unpaid=row.unpaid,
        overdue_minor=int(row.overdue or 0),
        restricted_at=since + timedelta(days=row.restricted_after_days) if since else None,
        suspended_at=since + timedelta(days=row.suspended_after_days) if since else None,
    )
