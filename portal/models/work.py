"""Owed work and what Stripe told us: platform tables, of no tenant."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.ids import uuid7
from portal.models.base import Model, Timestamped


class OutboxRow(Timestamped, Model):
    """One effect that we owe. ``key`` makes it happen once for its tenant and kind.

    A row stays open until its effect is committed.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "key", name="outbox_key_key", postgresql_nulls_not_distinct=True),
        Index("outbox_due_idx", "next_at", postgresql_where=text("done_at IS NULL AND dead_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    tenant_id: Mapped[UUID | None]
    kind: Mapped[str]
    key: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    lapses: Mapped[int] = mapped_column(server_default="0")
    outages: Mapped[int] = mapped_column(server_default="0")
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class StripeEvent(Model):
    """The inbox: every event that Stripe delivered or listed, once."""

    __tablename__ = "stripe_events"
    __table_args__ = (Index(None, "object_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    api_version: Mapped[str | None]
    livemode: Mapped[bool]
    object_id: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    parked_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StripeObject(Model):
    """An object at Stripe that we mirror: read again until ``seen`` has caught up with ``wanted``."""

    __tablename__ = "stripe_objects"
    __table_args__ = (
        Index("stripe_objects_due_idx", "next_at", postgresql_where=text("seen < wanted AND parked_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    wanted: Mapped[int] = mapped_column(server_default="0")
    seen: Mapped[int] = mapped_column(server_default="0")
    # The ``wanted`` that the nightly sweep alone has asked for: what that reading changes, no event had told.
    swept: Mapped[int | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    lapses: Mapped[int] = mapped_column(server_default="0")
    outages: Mapped[int] = mapped_column(server_default="0")
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    seen_at: Mapped[datetime | None]


class StripeCursor(Model):
    """How far we have looked through one of Stripe's lists, and through our own rows for the nightly sweep.

    A pass is under way while ``started_at`` is set. ``stage`` and ``after`` are its place; ``newest_at`` is the
    newest thing it met, and becomes ``reached_at`` (everything made earlier was looked at) at its end.
    """

    __tablename__ = "stripe_cursors"

    name: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str | None]
    after: Mapped[str | None]
    newest_at: Mapped[datetime | None]
    reached_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class StripeCustomer(Timestamped, Model):
    """Which tenant a Stripe customer is; unique both ways."""

    __tablename__ = "stripe_customers"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))


class PeriodicTask(Model):
    """Work that comes back: any number of tickers may run, the row decides who starts it."""

    __tablename__ = "periodic_tasks"

    name: Mapped[str] = mapped_column(primary_key=True)
    every_seconds: Mapped[int]
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_started_at: Mapped[datetime | None]


class Heartbeat(Model):
    """A running worker or ticker, seen lately."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DriftFinding(Timestamped, Model):
    """Something staff must look at: a parked event, an object that does not fit, a line we cannot explain."""

    __tablename__ = "drift_findings"
    __table_args__ = (
        Index(
            "drift_findings_open_idx", "tenant_id", "kind", "object_id", unique=True,
            postgresql_nulls_not_distinct=True, postgresql_where=text("resolved_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    tenant_id: Mapped[UUID | None]
    kind: Mapped[str]
    object_id: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    resolved_at: Mapped[datetime | None]


class MetricValue(Model):
    """A business figure for Prometheus, computed by a periodic task: forked jobs' counters would be lost."""

    __tablename__ = "metric_values"

    name: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[dict[str, Any]] = mapped_column(primary_key=True, server_default="{}")
    value: Mapped[Decimal] = mapped_column(Numeric())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
