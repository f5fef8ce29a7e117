"""Coupons, the installation's catalogue of them, and each tenant's redemptions."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.ids import uuid7
from portal.models.base import Minor, Model, TenantOwned, Timestamped
from portal.models.steps import NOWHERE, Stepped, chained
from portal.pricing.discounts import Duration, Terms
from portal.pricing.eligibility import Rules

CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,39}")
DURATIONS = ("once", "repeating", "forever")
NAME_LENGTH = 40  # Stripe's limit
LONGEST_MONTHS = 120
TAKEN_STATES = ("reserved", "redeemed")


def normal_code(given: str) -> str:
    """A code as it is kept: capital letters. Whoever types it may use either."""
    return given.strip().upper()


class Coupon(Timestamped, Model):
    """A coupon. Its terms never change after it was made, as at Stripe; it can only be archived.

    ``amounts_off`` and ``minimum_amounts``: minor units by lower-case currency. Empty ``plan_ids``, ``currencies`` and
    ``minimum_amounts``: no limit; ``max_…`` of ``None``: no cap. Caps, windows and fitting are ours to hold: Stripe
    gets what is taken off, for how long and of which products. Columns that Stripe has too bear Stripe's names.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("stripe_coupon_id"),
        CheckConstraint("code ~ '^[A-Z0-9][A-Z0-9_-]{1,39}$'", name="code"),
        CheckConstraint("length(name) BETWEEN 1 AND 40", name="name"),
        CheckConstraint("percent_off > 0 AND percent_off <= 100", name="percent_off"),
        CheckConstraint("jsonb_typeof(amounts_off) = 'object'", name="amounts_off"),
        CheckConstraint("(percent_off IS NULL) <> (amounts_off = '{}')", name="takes_off"),
        CheckConstraint("duration IN ('once', 'repeating', 'forever')", name="duration"),
        CheckConstraint(
            "CASE WHEN duration = 'repeating' THEN duration_in_months BETWEEN 1 AND 120"
            " AND duration_in_months IS NOT NULL ELSE duration_in_months IS NULL END",
            name="duration_in_months",
        ),
        CheckConstraint("max_redemptions >= 1", name="max_redemptions"),
        CheckConstraint("max_per_tenant >= 1", name="max_per_tenant"),
        CheckConstraint("jsonb_typeof(plan_ids) = 'array'", name="plan_ids"),
        CheckConstraint("jsonb_typeof(currencies) = 'array'", name="currencies"),
        CheckConstraint("jsonb_typeof(minimum_amounts) = 'object'", name="minimum_amounts"),
        CheckConstraint("valid_from < valid_until", name="window"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    code: Mapped[str]
    name: Mapped[str]
    percent_off: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    amounts_off: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    duration: Mapped[str]
    duration_in_months: Mapped[int | None]
    max_redemptions: Mapped[int | None]
    max_per_tenant: Mapped[int | None] = mapped_column(server_default="1")
    first_time_only: Mapped[bool] = mapped_column(server_default="false")
    plan_ids: Mapped[list[Any]] = mapped_column(server_default="[]")
    currencies: Mapped[list[Any]] = mapped_column(server_default="[]")
    minimum_amounts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    automatic: Mapped[bool] = mapped_column(server_default="false")
    archived_at: Mapped[datetime | None]
    stripe_coupon_id: Mapped[str | None]

    @property
    def terms(self) -> Terms:
        """What it takes off, and for how long."""
        duration = cast(Duration, self.duration)
        return Terms(duration, self.duration_in_months, self.percent_off, dict(self.amounts_off))

    @property
    def rules(self) -> Rules:
        """When it may be used. One that Stripe does not know yet is not offered."""
        return Rules(
            terms=self.terms,
            plan_ids=frozenset(self.plan_ids),
            currencies=frozenset(self.currencies),
            minimums=dict(self.minimum_amounts),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            max_per_tenant=self.max_per_tenant,
            first_time_only=self.first_time_only,
            is_offered=self.archived_at is None and self.stripe_coupon_id is not None,
        )


class CouponRedemption(TenantOwned, Timestamped, Stepped, Model):
    """One use of a coupon, for a checkout or on a running subscription: ``reserved`` → ``redeemed`` | ``released``.

    It counts towards the coupon's caps while it is reserved and for ever once redeemed. What was released may be
    ``redeemed`` after all, where Stripe took a payment that we held for impossible; Stripe has the last word.
    ``amount_minor``: the price of a period before; ``saving_minor``: what the first invoice was promised to save.
    """

    __tablename__ = "coupon_redemptions"
    MACHINE = "redemption"
    LEGAL = frozenset(
        {(NOWHERE, "reserved"), ("reserved", "redeemed"), ("reserved", "released"), ("released", "redeemed")}
    )
    __table_args__ = (
        *chained(MACHINE),
        CheckConstraint("(checkout_id IS NULL) <> (subscription_id IS NULL)", name="used_for"),
        UniqueConstraint("tenant_id", "checkout_id", name="coupon_redemptions_checkout_id_key"),
        ForeignKeyConstraint(["tenant_id", "checkout_id"], ["checkouts.tenant_id", "checkouts.id"]),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"]),
        Index(
            "coupon_redemptions_reserved_idx", "tenant_id", "subscription_id", unique=True,
            postgresql_where=text("state = 'reserved'"),
        ),
        Index(
            "coupon_redemptions_counted_idx", "coupon_id",
            postgresql_where=text("state IN ('reserved', 'redeemed')"),
        ),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    coupon_id: Mapped[UUID] = mapped_column(ForeignKey("coupons.id"))
    checkout_id: Mapped[UUID | None]
    subscription_id: Mapped[UUID | None]
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"))
    currency: Mapped[str]
    amount_minor: Mapped[Minor]
    saving_minor: Mapped[Minor]
    is_automatic: Mapped[bool] = mapped_column(server_default="false")
    actor_id: Mapped[UUID | None]
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]
    error_code: Mapped[str | None]
    redeemed_at: Mapped[datetime | None]
    removal_requested_at: Mapped[datetime | None]

    @property
    def is_taken(self) -> bool:
        """Whether it counts towards the caps."""
        return self.state in TAKEN_STATES
