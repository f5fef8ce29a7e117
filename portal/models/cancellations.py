"""Cancellations: how, why and for how much back a subscription was to end."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned, Timestamped
from portal.models.steps import NOWHERE, Stepped, chained

REASONS = ("too_expensive", "missing_features", "switched_service", "unused", "too_complex", "low_quality", "other")


class Cancellation(TenantOwned, Timestamped, Stepped, Model):
    """A wish to leave: ``requested`` → ``scheduled`` | ``ended`` | ``failed``, ``scheduled`` → ``undone`` | ``ended``.

    One that was made at Stripe begins ``scheduled``. ``ending``: "period_end" or "now". ``refunds``: what goes back
    of which invoice, decided before it was asked for: ``{"invoice": Stripe's id, "amount_minor", "way"}``; together
    ``refund_minor`` of ``currency``, without what is only taken off an open one (``way``: "refund" or "credit").
    ``stripe_credit_notes``: the same with the ``id`` of each note, as they are made. ``undone_by``: the field of
    Stripe's that takes it back. ``settled_at`` (real time): when Stripe last answered us; what was read of the
    subscription before then is old.
    """

    __tablename__ = "cancellations"
    MACHINE = "cancellation"
    LEGAL = frozenset(
        {
            (NOWHERE, "requested"), (NOWHERE, "scheduled"),
            ("requested", "scheduled"), ("requested", "ended"), ("requested", "failed"),
            ("scheduled", "undone"), ("scheduled", "ended"),
        }
    )  # fmt: skip
    __table_args__ = (
        *chained(MACHINE),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"]),
        CheckConstraint("ending IN ('period_end', 'now')", name="ending"),
        CheckConstraint("undone_by IN ('', 'cancel_at', 'cancel_at_period_end')", name="undone_by"),
        CheckConstraint("refund_minor >= 0 AND (refund_minor = 0 OR ending = 'now')", name="refund"),
        Index(
            "cancellations_open_idx", "tenant_id", "subscription_id", unique=True,
            postgresql_where=text("state IN ('requested', 'scheduled')"),
        ),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    subscription_id: Mapped[UUID]
    stripe_subscription_id: Mapped[str]
    requested_by: Mapped[UUID | None]
    ending: Mapped[str] = mapped_column(server_default="period_end")
    ends_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default="")
    comment: Mapped[str] = mapped_column(server_default="")
    refund_minor: Mapped[Minor] = mapped_column(server_default="0")
    currency: Mapped[str]
    refunds: Mapped[list[Any]] = mapped_column(server_default="[]")
    stripe_credit_notes: Mapped[list[Any]] = mapped_column(server_default="[]")
    undone_by: Mapped[str] = mapped_column(server_default="")
    error_code: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    machine: Mapped[str] = mapped_column(server_default=MACHINE)
    state: Mapped[str]
    step_number: Mapped[int]

    @property
    def given_back_minor(self) -> int:
        """What was really refunded, in minor units of ``currency``."""
        return sum(int(note["amount_minor"]) for note in self.stripe_credit_notes if note["way"] == "refund")

    @property
    def is_open(self) -> bool:
        return self.state in ("requested", "scheduled")
