"""Invoices with their lines, payments and documents. All amounts in minor units of ``currency``."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from portal.models.base import Minor, Model, TenantOwned, Timestamped
from portal.models.credit_notes import CreditNote
from portal.models.disputes import Dispute
from portal.models.refunds import Refund
from portal.pricing.explain import Explanation, from_json


class InvoiceLine(TenantOwned, Model):
    """One line with the inputs that explain its amount (price, period, proration, discounts, taxes)."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        UniqueConstraint("tenant_id", "invoice_id", "stripe_line_id", name="invoice_lines_stripe_line_id_key"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
    )

    invoice_id: Mapped[UUID]
    stripe_line_id: Mapped[str]
    position: Mapped[int]
    description: Mapped[str] = mapped_column(server_default="")
    quantity: Mapped[Decimal | None] = mapped_column(Numeric())
    unit_amount: Mapped[Decimal | None] = mapped_column(Numeric())
    amount_minor: Mapped[Minor]
    discount_minor: Mapped[Minor] = mapped_column(server_default="0")
    tax_minor: Mapped[Minor] = mapped_column(server_default="0")
    is_proration: Mapped[bool] = mapped_column(server_default="false")
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    stripe_price_id: Mapped[str | None]
    inputs: Mapped[dict[str, Any]] = mapped_column(server_default="{}")

    @property
    def explanation(self) -> Explanation | None:
        """The formula of the amount; ``None`` where nothing that we know leads to it."""
        found = (self.inputs or {}).get("explanation")
        return from_json(found) if found else None


class Payment(TenantOwned, Model):
    """Stripe's invoice payment and what became of it. ``intent_status``: Stripe's word for the payment intent.

    ``refunded_minor``: what of its charge has gone back, by whomever.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_invoice_payment_id", name="payments_stripe_invoice_payment_id_key"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        CheckConstraint("document_state IN ('none', 'pending', 'ready', 'failed')", name="document_state"),
        Index("payments_invoice_id_idx", "tenant_id", "invoice_id"),
    )

    invoice_id: Mapped[UUID]
    stripe_invoice_payment_id: Mapped[str]
    stripe_payment_intent_id: Mapped[str | None]
    status: Mapped[str]
    amount_minor: Mapped[Minor]
    refunded_minor: Mapped[Minor] = mapped_column(server_default="0")
    currency: Mapped[str]
    method_type: Mapped[str] = mapped_column(server_default="")
    method_brand: Mapped[str] = mapped_column(server_default="")
    method_last4: Mapped[str] = mapped_column(server_default="")
    failure_code: Mapped[str | None]
    intent_status: Mapped[str] = mapped_column(server_default="")
    paid_at: Mapped[datetime | None]
    document_state: Mapped[str] = mapped_column(server_default="none")
    document_attempt: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]


class Invoice(TenantOwned, Model):
    """A mirror of Stripe's invoice: amounts and number are Stripe's, the document is ours.

    ``payment_state`` of an open one: "processing" (a bank takes days), "action_required" (the bank asks the payer),
    "failed" with ``failure_code``, "" when nothing was tried. ``overdue_since``: when it should have been paid and
    was not, in business time; kept when it is paid after all. ``credited_minor``: what of the total credit notes and
    refunds have taken, by whomever.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_invoice_id", name="invoices_stripe_invoice_id_key"),
        UniqueConstraint("tenant_id", "number", name="invoices_number_key"),
        CheckConstraint("document_state IN ('none', 'pending', 'ready', 'failed')", name="document_state"),
        CheckConstraint("payment_state IN ('', 'processing', 'action_required', 'failed')", name="payment_state"),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"]),
        Index("invoices_newest_idx", "tenant_id", text("created_at DESC"), text("id DESC")),
        Index("invoices_open_idx", "tenant_id", "overdue_since", postgresql_where=text("status = 'open'")),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    stripe_invoice_id: Mapped[str]
    stripe_subscription_id: Mapped[str | None]
    subscription_id: Mapped[UUID | None]
    number: Mapped[str | None]
    status: Mapped[str]
    billing_reason: Mapped[str] = mapped_column(server_default="")
    collection_method: Mapped[str] = mapped_column(server_default="charge_automatically")
    currency: Mapped[str]
    subtotal_minor: Mapped[Minor]
    discount_minor: Mapped[Minor] = mapped_column(server_default="0")
    tax_minor: Mapped[Minor] = mapped_column(server_default="0")
    total_minor: Mapped[Minor]
    amount_due_minor: Mapped[Minor]
    amount_paid_minor: Mapped[Minor]
    amount_remaining_minor: Mapped[Minor]
    credited_minor: Mapped[Minor] = mapped_column(server_default="0")
    starting_balance_minor: Mapped[Minor] = mapped_column(server_default="0")
    ending_balance_minor: Mapped[Minor | None]
    discounts: Mapped[list[Any]] = mapped_column(server_default="[]")
    taxes: Mapped[list[Any]] = mapped_column(server_default="[]")
    period_start: Mapped[datetime | None]
    period_end: Mapped[datetime | None]
    issued_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    next_payment_attempt_at: Mapped[datetime | None]
    attempt_count: Mapped[int] = mapped_column(server_default="0")
    hosted_invoice_url: Mapped[str | None]
    payment_state: Mapped[str] = mapped_column(server_default="")
    failure_code: Mapped[str | None]
    overdue_since: Mapped[datetime | None]
    document_state: Mapped[str] = mapped_column(server_default="none")
    document_attempt: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    synced_at: Mapped[datetime] = mapped_column(server_default=func.now())

    # The keys are composite, but row-level security already binds the tenant: joining on the id alone
    # keeps SQLAlchemy from writing tenant_id through two relationships.
    lines: Mapped[list[InvoiceLine]] = relationship(
        primaryjoin=lambda: Invoice.id == foreign(InvoiceLine.invoice_id),
        order_by=InvoiceLine.position,
        viewonly=True,
    )
    payments: Mapped[list[Payment]] = relationship(
        primaryjoin=lambda: Invoice.id == foreign(Payment.invoice_id),
        order_by=Payment.created_at,
        viewonly=True,
    )
    credit_notes: Mapped[list[CreditNote]] = relationship(
        primaryjoin=lambda: Invoice.id == foreign(CreditNote.invoice_id),
        order_by=CreditNote.issued_at,
        viewonly=True,
    )
    refunds: Mapped[list[Refund]] = relationship(
        primaryjoin=lambda: Invoice.id == foreign(Refund.invoice_id),
        order_by=Refund.created_at,
        viewonly=True,
    )
    disputes: Mapped[list[Dispute]] = relationship(
        primaryjoin=lambda: Invoice.id == foreign(Dispute.invoice_id),
        order_by=Dispute.created_at,
        viewonly=True,
    )


class InvoiceDocument(TenantOwned, Timestamped, Model):
    """A rendered PDF, frozen with its SHA-256 and the snapshot that it was rendered from.

    ``kind`` says what it documents: the "invoice", one of its credit notes ("credit_note") or payments ("receipt").
    """

    __tablename__ = "invoice_documents"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "invoice_id", "kind", "credit_note_id", "payment_id",
            name="invoice_documents_subject_key", postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("sha256 = sha256(content)", name="sha256"),
        CheckConstraint(
            "kind IN ('invoice', 'credit_note', 'receipt') AND (kind = 'credit_note') = (credit_note_id IS NOT NULL)"
            " AND (kind = 'receipt') = (payment_id IS NOT NULL)",
            name="subject",
        ),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        ForeignKeyConstraint(["tenant_id", "credit_note_id"], ["credit_notes.tenant_id", "credit_notes.id"]),
        ForeignKeyConstraint(["tenant_id", "payment_id"], ["payments.tenant_id", "payments.id"]),
    )  # fmt: skip

    invoice_id: Mapped[UUID]
    credit_note_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(server_default="invoice")
    template_version: Mapped[str]
    language: Mapped[str]
    snapshot: Mapped[dict[str, Any]]
    content: Mapped[bytes]
    sha256: Mapped[bytes]
