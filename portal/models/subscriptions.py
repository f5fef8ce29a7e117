"""The tenant's subscriptions and payment methods, as Stripe has them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned, Timestamped

LIVE_STATUSES = ("trialing", "active", "past_due", "unpaid", "paused")
_LIVE_SQL = "superseded_reason IS NULL AND status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused')"


class Subscription(TenantOwned, Timestamped, Model):
    """A mirror of Stripe's subscription; ``status`` is Stripe's word, never ours.

    ``superseded_reason``: ``contested`` beside a live one until both were read again, ``duplicate`` then
    ended and refunded, ``replaced`` a free plan that a paid one took over from. ``trial_end_behavior``: what becomes
    of a trial without a payment method (cancel, pause, create_invoice). ``tax_rates``: Stripe's ids of those that its
    lines have, ``automatic_tax``: whether Stripe works the tax out. ``discounts``: those that its next
    invoice will have, as :mod:`portal.mirror.discounts` keeps them. ``next_invoice``: what Stripe foretells of
    the next charge (:mod:`portal.mirror.next_invoices`), as asked for ``next_invoice_for``.

    ``pending_until``: how long Stripe keeps a change that waits for its payment. ``stripe_schedule_id``: the schedule
    that holds the subscription; the ``scheduled_`` columns say what it will change, and when.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_subscription_id", name="subscriptions_stripe_subscription_id_key"),
        CheckConstraint("superseded_reason IN ('contested', 'duplicate', 'replaced')", name="superseded_reason"),
        Index("subscriptions_live_idx", "tenant_id", unique=True, postgresql_where=text(_LIVE_SQL)),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    stripe_subscription_id: Mapped[str]
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"))
    plan_price_id: Mapped[UUID] = mapped_column(ForeignKey("plan_prices.id"))
    status: Mapped[str]
    currency: Mapped[str]
    unit_amount_minor: Mapped[Minor]
    quantity: Mapped[int] = mapped_column(server_default="1")
    interval: Mapped[str]
    current_period_start: Mapped[datetime | None]
    current_period_end: Mapped[datetime | None]
    trial_end: Mapped[datetime | None]
    trial_end_behavior: Mapped[str] = mapped_column(server_default="")
    cancel_at: Mapped[datetime | None]
    cancel_at_period_end: Mapped[bool] = mapped_column(server_default="false")
    canceled_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    default_payment_method: Mapped[str | None]
    latest_stripe_invoice_id: Mapped[str | None]
    superseded_reason: Mapped[str | None]
    discounts: Mapped[list[Any]] = mapped_column(server_default="[]")
    tax_rates: Mapped[list[Any]] = mapped_column(server_default="[]")
    automatic_tax: Mapped[bool] = mapped_column(server_default="false")
    next_invoice: Mapped[dict[str, Any] | None]
    next_invoice_for: Mapped[str] = mapped_column(server_default="")
    pending_until: Mapped[datetime | None]
    stripe_schedule_id: Mapped[str | None]
    scheduled_plan_price_id: Mapped[UUID | None] = mapped_column(ForeignKey("plan_prices.id"))
    scheduled_quantity: Mapped[int | None]
    scheduled_at: Mapped[datetime | None]
    synced_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def is_live(self) -> bool:
        """Whether this is the tenant's one running subscription."""
        return self.superseded_reason is None and self.status in LIVE_STATUSES

    @property
    def amount_minor(self) -> int:
        """What a period costs before discounts and tax, in minor units."""
        return self.unit_amount_minor * self.quantity

    @property
    def next_amount_minor(self) -> int:
        """What is charged next, in minor units: as Stripe foretells it, else the price before discounts and tax."""
        return self.amount_minor if self.next_invoice is None else int(self.next_invoice["amount_due_minor"])


class PaymentMethod(TenantOwned, Timestamped, Model):
    """A mirror of Stripe's payment method: what a person needs to recognise it, nothing more.

    ``brand`` and ``last4`` of a card or account, ``bank_name`` of an account, ``account_email`` of PayPal and the like.
    """

    __tablename__ = "payment_methods"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_payment_method_id", name="payment_methods_stripe_payment_method_id_key"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    stripe_payment_method_id: Mapped[str]
    type: Mapped[str]
    brand: Mapped[str] = mapped_column(server_default="")
    last4: Mapped[str] = mapped_column(server_default="")
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    funding: Mapped[str] = mapped_column(server_default="")
    bank_name: Mapped[str] = mapped_column(server_default="")
    account_email: Mapped[str] = mapped_column(server_default="")
    detached_at: Mapped[datetime | None]
