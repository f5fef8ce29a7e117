"""What staff see who put money right: what waits, disputes, one invoice with what can be done to it, a balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, select

from portal import tenancy
from portal.billing import adjustment_limits
from portal.billing.adjustment_limits import Left
from portal.errors import NotFound
from portal.models import (
    Adjustment,
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    InvoiceLine,
    Payment,
    Refund,
    Subscription,
    Tenant,
    User,
)
from portal.models.disputes import OPEN

Rows = Sequence[Row[*tuple[Any, ...]]]
_SHOWN = 100


@dataclass(frozen=True)
class InvoiceView:
    """One invoice with all that money did around it. ``left``: what can still go back, in minor units."""

    tenant: Any
    invoice: Any
    lines: Rows
    payments: Rows
    refunds: Rows
    credit_notes: Rows
    disputes: Rows
    adjustments: Rows
    left: Left


@dataclass(frozen=True)
class BalanceView:
    """``balance_minor``: negative is the customer's credit, as at Stripe."""

    tenant: Any
    currency: str
    balance_minor: int
    adjustments: Rows


def adjustments() -> Rows:
    """The newest of all tenants; what waits for a second person comes first."""
    wanted = _adjustments().add_columns(Tenant.name, Invoice.number)
    wanted = wanted.join(Tenant, Tenant.id == Adjustment.tenant_id)
    wanted = wanted.outerjoin(
        Invoice, (Invoice.tenant_id == Adjustment.tenant_id) & (Invoice.id == Adjustment.invoice_id)
    )
    first = case((Adjustment.state == "proposed", 0), else_=1)
    with tenancy.staff_session() as session:
        return session.execute(wanted.order_by(first, Adjustment.id.desc()).limit(_SHOWN)).all()


def disputes() -> Rows:
    """The newest of all tenants; those that wait for an answer first, by their deadline."""
    waits = case(
        (Dispute.status.in_(("needs_response", "warning_needs_response")), 0), (Dispute.status.in_(OPEN), 1), else_=2
    )
    wanted = (
        select(*Dispute.__table__.columns, Tenant.name, Invoice.number)
        .join(Tenant, Tenant.id == Dispute.tenant_id)
        .join(Invoice, (Invoice.tenant_id == Dispute.tenant_id) & (Invoice.id == Dispute.invoice_id))
        .order_by(waits, Dispute.evidence_due_at.nulls_last(), Dispute.id.desc())
        .limit(_SHOWN)
    )
    with tenancy.staff_session() as session:
        return session.execute(wanted).all()


def invoice(tenant_id: UUID, invoice_id: UUID) -> InvoiceView:
    """One finalised invoice of a tenant. Raises :class:`portal.errors.NotFound`."""
    with tenancy.staff_session() as session:
        tenant = _tenant(session, tenant_id)
        found = session.execute(
            select(Invoice).where(Invoice.tenant_id == tenant_id, Invoice.id == invoice_id, Invoice.status != "draft")
        ).scalar_one_or_none()
        if found is None:
            raise NotFound

        def of(model: Any, order: Any) -> Rows:
            wanted = select(*model.__table__.columns).where(
                model.tenant_id == tenant_id, model.invoice_id == invoice_id
            )
            return session.execute(wanted.order_by(order)).all()

        mine = (Adjustment.tenant_id == tenant_id, Adjustment.invoice_id == invoice_id)
        return InvoiceView(
            tenant=tenant,
            invoice=found,
            lines=of(InvoiceLine, InvoiceLine.position),
            payments=of(Payment, Payment.created_at),
            refunds=of(Refund, Refund.created_at),
            credit_notes=of(CreditNote, CreditNote.issued_at),
            disputes=of(Dispute, Dispute.created_at),
            adjustments=session.execute(_adjustments().where(*mine).order_by(Adjustment.id.desc())).all(),
            left=adjustment_limits.of(found, session),
        )


def balance(tenant_id: UUID, fallback: str) -> BalanceView:
    """What a tenant has on its account, and what was done to it; ``fallback``: the currency of who bought nothing.

    Raises :class:`portal.errors.NotFound`.
    """
    with tenancy.staff_session() as session:
        tenant = _tenant(session, tenant_id)
        minor = session.scalar(select(Customer.balance_minor).where(Customer.tenant_id == tenant_id)) or 0
        # Stripe keeps a customer to one currency; a tenant that bought nothing has none.
        billed = select(Subscription.currency).where(Subscription.tenant_id == tenant_id)
        currency = session.scalar(billed.order_by(Subscription.id.desc()).limit(1))
        mine = (Adjustment.tenant_id == tenant_id, Adjustment.invoice_id.is_(None))
        rows = session.execute(_adjustments().where(*mine).order_by(Adjustment.id.desc()).limit(_SHOWN)).all()
        return BalanceView(tenant, currency or fallback, minor, rows)


def _tenant(session: Any, tenant_id: UUID) -> Any:
    found = session.execute(select(Tenant.id, Tenant.name, Tenant.slug).where(Tenant.id == tenant_id)).first()
    if found is None:
        raise NotFound
    return found


def _adjustments() -> Any:
    """Adjustments with the name of whoever asked."""
    return select(*Adjustment.__table__.columns, User.name.label("asked_by")).outerjoin(
        User, User.id == Adjustment.requested_by
    )
