"""Who pays no tax: granted and ended by staff, each with a reason."""

from uuid import UUID

from sqlalchemy import select

from portal import clock, tax_terms, tenancy
from portal.errors import Invalid
from portal.extensions import db
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.models import Subscription, TaxExemption
from portal.models.subscriptions import LIVE_STATUSES
from portal.security import audit


class ExemptionReasonMissing(Invalid):
    code = "exemption_reason_missing"
    message = "Say why the tenant is exempt, in 3 to 500 characters."


def grant(reason: str, *, actor: UUID) -> None:
    """The bound tenant pays no tax, from its next invoice on. Commits; one that is exempt already stays as it is.

    ``actor``: of the staff's admin or finance. Raises :class:`ExemptionReasonMissing`.
    """
    if not 3 <= len(reason.strip()) <= 500:
        raise ExemptionReasonMissing
    if tax_terms.exemption() is None:
        tenant_id = tenancy.require_tenant()
        row = TaxExemption(tenant_id=tenant_id, id=uuid7(), reason=reason.strip(), granted_by=actor)
        db.session.add(row)
        audit.record("tax.exempt", "tenant", str(tenant_id), after={"reason": row.reason})
        look_at_subscription()
    db.session.commit()


def end(*, actor: UUID) -> None:
    """The bound tenant pays tax again, from its next invoice on. Commits."""
    row = tax_terms.exemption()
    if row is not None:
        row.ended_at, row.ended_by = clock.now(), actor
        audit.record("tax.exempt.end", "tenant", str(row.tenant_id))
        look_at_subscription()
    db.session.commit()


def look_at_subscription() -> None:
    """Have the bound tenant's running subscription compared with what is decided now, in the current transaction."""
    live = select(Subscription.stripe_subscription_id).where(
        Subscription.superseded_reason.is_(None), Subscription.status.in_(LIVE_STATUSES)
    )
    for subscription_id in db.session.scalars(live):
        want(subscription_id, "subscription")
