"""Tries to subscribe."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Model, TenantOwned, Timestamped
from portal.models.steps import NOWHERE, Stepped, chained


class Checkout(TenantOwned, Timestamped, Stepped, Model):
    """One try to subscribe: ``preparing`` → ``open`` → ``complete`` | ``expired`` | ``failed``.

    ``abandoned`` was left by the customer and waits for Stripe's word, which may still be ``complete``.
    ``trial_days``, ``trial_method`` and ``trial_end`` are the plan's terms as they were, empty without a trial.
    ``tax_rate_id`` and ``automatic_tax``: how the subscription is to be taxed, as it was decided then.
    """

    __tablename__ = "checkouts"
    MACHINE = "checkout"
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
        CheckConstraint("trial_method IN ('', 'required', 'optional')", name="trial_method"),
        CheckConstraint("trial_end IN ('', 'cancel', 'pause', 'create_invoice')", name="trial_end"),
        Index(
            "checkouts_under_way_idx", "tenant_id", unique=True,
            postgresql_where=text("state IN ('preparing', 'open')"),
        ),
        Index("checkouts_stripe_session_id_idx", "tenant_id", "stripe_session_id", unique=True),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"))
    plan_price_id: Mapped[UUID] = mapped_column(ForeignKey("plan_prices.id"))
    coupon_id: Mapped[UUID | None] = mapped_column(ForeignKey("coupons.id"))
    started_by: Mapped[UUID | None]
    language: Mapped[str] = mapped_column(server_default="en")
    trial_days: Mapped[int] = mapped_column(server_default="0")
    trial_method: Mapped[str] = mapped_column(server_default="")
    trial_end: Mapped[str] = mapped_column(server_default="")
    tax_rate_id: Mapped[UUID | None] = mapped_column(ForeignKey("tax_rates.id"))
    automatic_tax: Mapped[bool] = mapped_column(server_default="false")
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]
    stripe_session_id: Mapped[str | None]
    url: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    stripe_subscription_id: Mapped[str | None]
    error_code: Mapped[str | None]
    closed_at: Mapped[datetime | None]

    @property
    def is_under_way(self) -> bool:
        return self.state in ("preparing", "open")
