"""Refunds: money that goes, or went, back to a payer's card or account."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned

# Of what these hold, nothing can be refunded a second time; what failed or was canceled has come back to us.
STANDING = ("pending", "requires_action", "succeeded")


class Refund(TenantOwned, Model):
    """A mirror of Stripe's refund of an invoice's payment, whoever made it. Amount in minor units of ``currency``.

    ``status``: pending, requires_action, succeeded, failed or canceled; ``failure_reason``: Stripe's word for why.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_refund_id", name="refunds_stripe_refund_id_key"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        ForeignKeyConstraint(["tenant_id", "payment_id"], ["payments.tenant_id", "payments.id"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("refunds_invoice_id_idx", "tenant_id", "invoice_id"),
        Index("refunds_payment_id_idx", "tenant_id", "payment_id"),
    )

    invoice_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    stripe_refund_id: Mapped[str]
    amount_minor: Mapped[Minor]
    currency: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    failure_reason: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime]
    synced_at: Mapped[datetime] = mapped_column(server_default=func.now())
