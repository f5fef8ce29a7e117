"""Credit notes: what lowers an issued invoice, or says what of a paid one went back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned


class CreditNote(TenantOwned, Model):
    """A mirror of Stripe's credit note, whoever made it. Amounts are positive minor units of ``currency``.

    ``total_minor`` is the sum of what was taken off the invoice before it was paid (``lowered_minor``) and what went
    back afterwards: as refunds, to the customer's balance, or outside of Stripe. ``lines`` are Stripe's, shortened to
    what the document says.
    """

    __tablename__ = "credit_notes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_credit_note_id", name="credit_notes_stripe_credit_note_id_key"),
        UniqueConstraint("tenant_id", "number", name="credit_notes_number_key"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        CheckConstraint("status IN ('issued', 'void')", name="status"),
        CheckConstraint("document_state IN ('none', 'pending', 'ready', 'failed')", name="document_state"),
        CheckConstraint(
            "total_minor >= 0 AND lowered_minor >= 0 AND refunded_minor >= 0 AND balance_minor >= 0"
            " AND out_of_band_minor >= 0",
            name="amounts",
        ),
        Index("credit_notes_invoice_id_idx", "tenant_id", "invoice_id"),
        Index("credit_notes_newest_idx", "tenant_id", text("issued_at DESC"), text("id DESC")),
    )

    invoice_id: Mapped[UUID]
    stripe_credit_note_id: Mapped[str]
    number: Mapped[str]
    status: Mapped[str]
    currency: Mapped[str]
    subtotal_minor: Mapped[Minor]
    discount_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    total_minor: Mapped[Minor]
    lowered_minor: Mapped[Minor]
    refunded_minor: Mapped[Minor]
    balance_minor: Mapped[Minor]
    out_of_band_minor: Mapped[Minor]
    reason: Mapped[str] = mapped_column(server_default="")
    memo: Mapped[str] = mapped_column(server_default="")
    lines: Mapped[list[Any]] = mapped_column(server_default="[]")
    taxes: Mapped[list[Any]] = mapped_column(server_default="[]")
    issued_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    document_state: Mapped[str] = mapped_column(server_default="none")
    document_attempt: Mapped[int] = mapped_column(server_default="0")
    synced_at: Mapped[datetime] = mapped_column(server_default=func.now())
