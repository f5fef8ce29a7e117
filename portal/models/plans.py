"""Plans and their prices."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.ids import uuid7
from portal.models.base import Minor, Model, Timestamped

INTERVALS = ("month", "year")
MONTHS_CHARGED_PER_YEAR = 10  # the contract's rule for a plan without a yearly price


class Plan(Timestamped, Model):
    """What a tenant can subscribe to. Decimal prices because the contract's INSERT writes them so.

    Policies, each of the plan that a tenant has: ``trial_method`` (whether a trial needs a payment method first),
    ``trial_end`` (what becomes of a trial without one, in Stripe's words), ``upgrade_at``, ``downgrade_at`` and
    ``interval_change_at`` (when a change takes place), ``cancel_at`` ("choice": at once too) with
    ``cancel_refund`` (of what is left of the period, when it ends at once), ``processing_access`` (whether a
    payment that takes days grants the plan meanwhile), ``usage_in_trial`` (whether usage beyond what is included
    costs in a trial, too), ``usage_on_change`` (whether a month goes on when a change to this plan takes place within
    it, or is split there). ``max_quantity`` above one: sold by the seat.
    """

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("plan_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'", name="plan_id"),
        CheckConstraint("price_monthly >= 0 AND price_yearly >= 0", name="price"),
        CheckConstraint("trial_days BETWEEN 0 AND 730", name="trial_days"),
        CheckConstraint("trial_method IN ('required', 'optional')", name="trial_method"),
        CheckConstraint("trial_end IN ('cancel', 'pause', 'create_invoice')", name="trial_end"),
        CheckConstraint("upgrade_at IN ('now', 'period_end')", name="upgrade_at"),
        CheckConstraint("downgrade_at IN ('now', 'period_end')", name="downgrade_at"),
        CheckConstraint("interval_change_at IN ('now', 'period_end')", name="interval_change_at"),
        CheckConstraint("cancel_at IN ('period_end', 'choice')", name="cancel_at"),
        CheckConstraint("cancel_refund IN ('none', 'prorated')", name="cancel_refund"),
        CheckConstraint("processing_access IN ('wait', 'grant')", name="processing_access"),
        CheckConstraint("usage_in_trial IN ('free', 'billed')", name="usage_in_trial"),
        CheckConstraint("usage_on_change IN ('carry_on', 'split')", name="usage_on_change"),
        CheckConstraint("max_quantity BETWEEN 1 AND 1000000", name="max_quantity"),
        CheckConstraint("jsonb_typeof(features) = 'array'", name="features"),
        CheckConstraint("jsonb_typeof(limits) = 'object'", name="limits"),
    )

    plan_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    price_monthly: Mapped[Decimal] = mapped_column(Numeric(15, 3))
    price_yearly: Mapped[Decimal | None] = mapped_column(Numeric(15, 3))
    currency: Mapped[str | None]
    features: Mapped[list[Any]] = mapped_column(server_default="[]")
    limits: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    trial_days: Mapped[int] = mapped_column(server_default="14")
    trial_method: Mapped[str] = mapped_column(server_default="optional")
    trial_end: Mapped[str] = mapped_column(server_default="cancel")
    upgrade_at: Mapped[str] = mapped_column(server_default="now")
    downgrade_at: Mapped[str] = mapped_column(server_default="period_end")
    interval_change_at: Mapped[str] = mapped_column(server_default="period_end")
    cancel_at: Mapped[str] = mapped_column(server_default="period_end")
    cancel_refund: Mapped[str] = mapped_column(server_default="none")
    processing_access: Mapped[str] = mapped_column(server_default="wait")
    usage_in_trial: Mapped[str] = mapped_column(server_default="free")
    usage_on_change: Mapped[str] = mapped_column(server_default="carry_on")
    max_quantity: Mapped[int] = mapped_column(server_default="1")
    position: Mapped[int] = mapped_column(server_default="0")
    stripe_product_id: Mapped[str | None]
    archived_at: Mapped[datetime | None]

    def price_for(self, interval: str) -> Decimal:
        """The list price in major units; a year without a price of its own costs ten months."""
        if interval == "month":
            return self.price_monthly
        return self.price_monthly * MONTHS_CHARGED_PER_YEAR if self.price_yearly is None else self.price_yearly


class PlanPrice(Timestamped, Model):
    """One sold price: never edited, only retired when the plan's list price moves."""

    __tablename__ = "plan_prices"
    __table_args__ = (
        CheckConstraint("interval IN ('month', 'year')", name="interval"),
        CheckConstraint("unit_amount_minor >= 0", name="unit_amount_minor"),
        UniqueConstraint("stripe_price_id"),
        Index(
            "plan_prices_current_idx", "plan_id", "interval", "currency", unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"))
    interval: Mapped[str]
    currency: Mapped[str]
    unit_amount_minor: Mapped[Minor]
    stripe_price_id: Mapped[str | None]
    retired_at: Mapped[datetime | None]

    @property
    def is_sold(self) -> bool:
        """Whether it can be bought now: published to Stripe and not retired."""
        return self.stripe_price_id is not None and self.retired_at is None

    @property
    def lookup_key(self) -> str:
        """Stripe's lookup key: the newest price of a plan, interval and currency carries it."""
        return f"{self.plan_id}:{self.interval}:{self.currency}"
