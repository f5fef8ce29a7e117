"""Disputes: payments that a payer asked the bank to take back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned

# Somebody has to answer, or the bank is reading the answer; past these it is over.
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
# The bank holds the money, so that nothing of it can be refunded as well; an inquiry takes none.
TAKEN = ("needs_response", "under_review", "lost")


class Dispute(TenantOwned, Model):
    """A mirror of Stripe's dispute of an invoice's payment. Amount in minor units of ``currency``.

    ``status`` is Stripe's: needs_response, under_review, won, lost, prevented; warning_… of an inquiry, which takes no
    money. ``evidence_due_at``: until when it can be answered. ``withdrawn_minor``: what the bank holds of our money.
    ``consequence``: what the policy did to the subscription: its renewal "stopped" or "restored", or it was "ended".
    """

    __tablename__ = "disputes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_dispute_id", name="disputes_stripe_dispute_id_key"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        ForeignKeyConstraint(["tenant_id", "payment_id"], ["payments.tenant_id", "payments.id"]),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("consequence IN ('', 'stopped', 'restored', 'ended')", name="consequence"),
        Index("disputes_invoice_id_idx", "tenant_id", "invoice_id"),
        Index("disputes_due_idx", "tenant_id", "evidence_due_at", postgresql_where=text("closed_at IS NULL")),
    )

    invoice_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    stripe_dispute_id: Mapped[str]
    amount_minor: Mapped[Minor]
    withdrawn_minor: Mapped[Minor] = mapped_column(server_default="0")
    currency: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str]
    evidence_due_at: Mapped[datetime | None]
    has_evidence: Mapped[bool] = mapped_column(server_default="false")
    consequence: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    synced_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank only asks, and has taken nothing."""
        return self.status.startswith("warning_")
