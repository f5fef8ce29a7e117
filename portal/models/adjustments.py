"""Adjustments: what staff do to money that was billed or paid, each with its reason and who asked for it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned, Timestamped
from portal.models.steps import NOWHERE, Stepped, chained

KINDS = ("refund", "credit_note", "balance_credit", "balance_debit", "write_off", "paid_out_of_band")
WAYS = ("", "refund", "balance", "out_of_band")  # how a credit note gives back what was paid


class Adjustment(TenantOwned, Timestamped, Stepped, Model):
    """One act on money: ``proposed`` (waits for a second person) → ``working`` → ``done`` | ``refused`` by Stripe.

    ``rejected`` by the second person, ``withdrawn`` by whoever asked. A refund that the bank sends back later goes
    from ``done`` to ``failed``. ``amount_minor`` is positive, in minor units of ``currency``; of a credit note it is
    the total with tax. ``reason`` is for the audit; ``memo`` is what the customer reads. ``quote`` holds Stripe's
    preview of a credit note as it was shown, ``stripe_id`` what came of it.
    """

    __tablename__ = "adjustments"
    MACHINE = "adjustment"
    LEGAL = frozenset(
        {
            (NOWHERE, "proposed"), (NOWHERE, "working"),
            ("proposed", "working"), ("proposed", "rejected"), ("proposed", "withdrawn"), ("proposed", "refused"),
            ("working", "done"), ("working", "refused"),
            ("done", "failed"),
        }
    )  # fmt: skip
    __table_args__ = (
        *chained(MACHINE),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        ForeignKeyConstraint(["tenant_id", "payment_id"], ["payments.tenant_id", "payments.id"]),
        CheckConstraint(
            "kind IN ('refund', 'credit_note', 'balance_credit', 'balance_debit', 'write_off', 'paid_out_of_band')",
            name="kind",
        ),
        CheckConstraint("way IN ('', 'refund', 'balance', 'out_of_band')", name="way"),
        CheckConstraint("(kind LIKE 'balance%') = (invoice_id IS NULL)", name="invoice"),
        CheckConstraint("(kind = 'refund') = (payment_id IS NOT NULL)", name="payment"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("length(btrim(reason)) BETWEEN 3 AND 1000", name="reason"),
        CheckConstraint("decided_by <> requested_by", name="second_person"),
        Index("adjustments_newest_idx", "tenant_id", text("created_at DESC"), text("id DESC")),
        Index(
            "adjustments_under_way_idx", "tenant_id", "invoice_id",
            postgresql_where=text("state IN ('proposed', 'working')"),
        ),
        Index(
            "adjustments_settling_idx", "tenant_id", "invoice_id", unique=True,
            postgresql_where=text(
                "kind IN ('write_off', 'paid_out_of_band') AND state IN ('proposed', 'working')"
            ),
        ),
        Index(
            "adjustments_stripe_id_idx", "tenant_id", "stripe_id", unique=True,
            postgresql_where=text("kind IN ('refund', 'credit_note') AND stripe_id IS NOT NULL"),
        ),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    kind: Mapped[str]
    invoice_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]
    amount_minor: Mapped[Minor]
    currency: Mapped[str]
    way: Mapped[str] = mapped_column(server_default="")
    reason_code: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str]
    memo: Mapped[str] = mapped_column(server_default="")
    quote: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    requested_by: Mapped[UUID]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    stripe_id: Mapped[str | None]
    failure_code: Mapped[str] = mapped_column(server_default="")
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]
    finished_at: Mapped[datetime | None]

    @property
    def is_under_way(self) -> bool:
        """Whether its amount is spoken for, though nothing shows it at Stripe yet."""
        return self.state in ("proposed", "working")
