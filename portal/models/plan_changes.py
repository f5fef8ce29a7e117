"""Changes of plan: quoted, confirmed, and what became of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned, Timestamped
from portal.models.steps import NOWHERE, Stepped, chained

UNDER_WAY = ("confirmed", "awaiting_payment", "scheduled")


class PlanChange(TenantOwned, Timestamped, Stepped, Model):
    """One change of plan, interval or quantity: ``quoted`` → ``confirmed`` → ``applied``.

    ``awaiting_payment``: Stripe holds the change back until its invoice is paid (``pay_until``); ``scheduled``: it
    comes at the end of the period (``effective_at``). Both end as ``applied`` or ``canceled``. A quote that ran out,
    or whose figures moved, is ``expired`` and names what came in its place (``replaced_by``).

    What is asked of Stripe comes from the columns up to ``credit_minor``, which never change once written.
    ``timing``: ``now`` with prorations, ``trial`` at once for nothing, ``period_end``. ``credit_minor``: what is
    given back as an item of the invoice, where a new billing cycle leaves no room for prorations. ``due_minor`` and
    ``next_minor`` are what is charged today and at ``next_at``. ``quote``: Stripe's previews with our explanations.
    """

    __tablename__ = "plan_changes"
    MACHINE = "plan_change"
    LEGAL = frozenset(
        {
            (NOWHERE, "quoted"), ("quoted", "confirmed"), ("quoted", "expired"),
            ("confirmed", "applied"), ("confirmed", "awaiting_payment"), ("confirmed", "scheduled"),
            ("confirmed", "failed"),
            ("awaiting_payment", "applied"), ("awaiting_payment", "canceled"), ("awaiting_payment", "expired"),
            ("scheduled", "applied"), ("scheduled", "canceled"),
        }
    )  # fmt: skip
    __table_args__ = (
        *chained(MACHINE),
        CheckConstraint("direction IN ('upgrade', 'downgrade', 'interval')", name="direction"),
        CheckConstraint("timing IN ('now', 'trial', 'period_end')", name="timing"),
        CheckConstraint("quantity >= 1", name="quantity"),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"]),
        Index(
            "plan_changes_under_way_idx", "tenant_id", unique=True,
            postgresql_where=text("state IN ('confirmed', 'awaiting_payment', 'scheduled')"),
        ),
        Index("plan_changes_newest_idx", "tenant_id", text("id DESC")),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    subscription_id: Mapped[UUID]
    stripe_item_id: Mapped[str]
    from_plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"))
    from_plan_price_id: Mapped[UUID] = mapped_column(ForeignKey("plan_prices.id"))
    from_quantity: Mapped[int]
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"))
    plan_price_id: Mapped[UUID] = mapped_column(ForeignKey("plan_prices.id"))
    quantity: Mapped[int]
    direction: Mapped[str]
    timing: Mapped[str]
    effective_at: Mapped[datetime]
    proration_at: Mapped[datetime | None]
    currency: Mapped[str]
    credit_minor: Mapped[Minor] = mapped_column(server_default="0")
    due_minor: Mapped[Minor] = mapped_column(server_default="0")
    next_minor: Mapped[Minor] = mapped_column(server_default="0")
    next_at: Mapped[datetime]
    quote: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
    started_by: Mapped[UUID | None]
    confirmed_by: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None]
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]
    stripe_invoice_id: Mapped[str | None]
    stripe_schedule_id: Mapped[str | None]
    pay_until: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    replaced_by: Mapped[UUID | None]
    error_code: Mapped[str | None]
    closed_at: Mapped[datetime | None]

    @property
    def is_under_way(self) -> bool:
        """Whether it was confirmed and is not over: no other change may begin beside it."""
        return self.state in UNDER_WAY

    @property
    def changes_interval(self) -> bool:
        return self.direction == "interval"
