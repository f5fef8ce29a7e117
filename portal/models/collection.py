"""Getting paid after the first try: payment methods being added, tries to collect, where a tenant stands."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned, Timestamped
from portal.models.steps import NOWHERE, Stepped, chained

# From good to bad; each is reached through the one before it.
STANDINGS = ("good", "grace", "restricted", "suspended")


class MethodSetup(TenantOwned, Timestamped, Stepped, Model):
    """One visit to Checkout to save a payment method: the states are those of a checkout, nothing is charged.

    ``stripe_payment_method_id``: what was saved, once it is ``complete``.
    """

    __tablename__ = "method_setups"
    MACHINE = "method_setup"
    LEGAL = frozenset(
        {
            (NOWHERE, "preparing"),
            ("preparing", "open"), ("preparing", "complete"), ("preparing", "expired"), ("preparing", "failed"),
            ("preparing", "abandoned"),
            ("open", "complete"), ("open", "expired"), ("open", "abandoned"),
            ("abandoned", "complete"), ("abandoned", "expired"),
            ("expired", "complete"), ("failed", "complete"),
        }
    )  # fmt: skip
    __table_args__ = (
        *chained(MACHINE),
        Index(
            "method_setups_under_way_idx", "tenant_id", unique=True,
            postgresql_where=text("state IN ('preparing', 'open')"),
        ),
        Index("method_setups_stripe_session_id_idx", "tenant_id", "stripe_session_id", unique=True),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    started_by: Mapped[UUID | None]
    language: Mapped[str] = mapped_column(server_default="en")
    currency: Mapped[str]
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]
    stripe_session_id: Mapped[str | None]
    url: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    stripe_payment_method_id: Mapped[str | None]
    error_code: Mapped[str | None]
    closed_at: Mapped[datetime | None]

    @property
    def is_under_way(self) -> bool:
        return self.state in ("preparing", "open")


class CollectionAttempt(TenantOwned, Timestamped, Stepped, Model):
    """One try of ours to collect an open invoice, beside the automatic ones of Stripe's schedule.

    ``source``: "hand" (somebody pressed "Pay now") or "backup" (the second method, once for each automatic try
    that failed; ``automatic_number`` says which). ``amount_minor`` is what was due then, in minor units.
    ``makes_default``: a method that pays is used from then on.
    """

    __tablename__ = "collection_attempts"
    MACHINE = "collection"
    LEGAL = frozenset(
        {
            (NOWHERE, "started"),
            ("started", "paid"), ("started", "processing"), ("started", "action_required"), ("started", "declined"),
            ("started", "refused"),
            ("processing", "paid"), ("processing", "declined"),
            ("action_required", "paid"), ("action_required", "processing"),
        }
    )  # fmt: skip
    __table_args__ = (
        *chained(MACHINE),
        CheckConstraint("source IN ('hand', 'backup')", name="source"),
        ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoices.tenant_id", "invoices.id"]),
        ForeignKeyConstraint(["tenant_id", "payment_method_id"], ["payment_methods.tenant_id", "payment_methods.id"]),
        Index(
            "collection_attempts_started_idx", "tenant_id", "invoice_id", unique=True,
            postgresql_where=text("state = 'started'"),
        ),
        Index(
            "collection_attempts_backup_idx", "tenant_id", "invoice_id", "automatic_number", unique=True,
            postgresql_where=text("source = 'backup'"),
        ),
        Index("collection_attempts_newest_idx", "tenant_id", "invoice_id", text("created_at DESC")),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    invoice_id: Mapped[UUID]
    payment_method_id: Mapped[UUID]
    source: Mapped[str]
    automatic_number: Mapped[int]
    makes_default: Mapped[bool] = mapped_column(server_default="false")
    amount_minor: Mapped[Minor]
    currency: Mapped[str]
    started_by: Mapped[UUID | None]
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]
    failure_code: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class Standing(TenantOwned, Timestamped, Stepped, Model):
    """Where a tenant stands who owes, or once owed: good → grace → restricted → suspended, good again by payment.

    ``since``: when the state began, in business time. ``overdue_since``: since when the oldest unpaid invoice is
    overdue; ``None`` while nothing is. Tenants that never owed have no row and are in good standing. From a worse
    state to a better one that is not good only when the policy was eased.
    """

    __tablename__ = "standings"
    MACHINE = "standing"
    LEGAL = frozenset(
        {
            (NOWHERE, "grace"),
            ("good", "grace"), ("grace", "restricted"), ("restricted", "suspended"),
            ("suspended", "restricted"), ("restricted", "grace"),
            ("grace", "good"), ("restricted", "good"), ("suspended", "good"),
        }
    )  # fmt: skip
    __table_args__ = (*chained(MACHINE), UniqueConstraint("tenant_id"))

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]
    since: Mapped[datetime]
    overdue_since: Mapped[datetime | None]


class PolicySettings(Model):
    """One row: what staff may set for all tenants. Days are whole days of business time after the first failure.

    ``second_person_above``: adjustments above so many whole units of any currency need two people; ``None``: never.
    """

    __tablename__ = "settings"
    __table_args__ = (
        CheckConstraint("id", name="single"),
        CheckConstraint(
            "restricted_after_days BETWEEN 0 AND 365 AND suspended_after_days BETWEEN restricted_after_days AND 365",
            name="days",
        ),
        CheckConstraint("tries_by_hand_per_hour BETWEEN 1 AND 100", name="tries"),
        CheckConstraint("second_person_above >= 0", name="second_person"),
        CheckConstraint("dispute_opened_action IN ('nothing', 'stop_renewal')", name="dispute_opened_action"),
        CheckConstraint("dispute_lost_action IN ('nothing', 'end_now')", name="dispute_lost_action"),
    )

    id: Mapped[bool] = mapped_column(primary_key=True, default=True, server_default="true")
    restricted_after_days: Mapped[int] = mapped_column(server_default="7")
    suspended_after_days: Mapped[int] = mapped_column(server_default="14")
    tries_by_hand_per_hour: Mapped[int] = mapped_column(server_default="5")
    second_person_above: Mapped[Decimal | None] = mapped_column(Numeric(), server_default="500")
    dispute_opened_action: Mapped[str] = mapped_column(server_default="nothing")
    dispute_lost_action: Mapped[str] = mapped_column(server_default="nothing")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
