"""What is metered: resources, their terms per plan, periods, events that count once, sums of them, charges."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    TypeDecorator,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model, TenantOwned, Timestamped
from portal.pricing.explain import Explanation, Usage
from portal.pricing.prorations import Share

AGGREGATIONS = ("sum", "max", "last", "unique")
LEVELS = ("max", "last")  # of what is measured, not added up
QUANTITY = Numeric(24, 9)  # fifteen digits, nine of them at most behind the point
CHARGED = Numeric(60, 9)  # what a period's quantities may add up to, or make of packages


class WideMinor(TypeDecorator[int]):
    """Minor units beyond what a bigint holds: absurd reports make absurd amounts, and those are written down, too."""

    impl = Numeric(60, 0)
    cache_ok = True

    def process_result_value(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002  (SQLAlchemy's)
        return None if value is None else int(value)


class Resource(Timestamped, Model):
    """What can be metered, defined by staff. ``aggregation`` makes one quantity of a period's events.

    "sum" adds them up, "max" takes the highest, "last" the newest, "unique" counts different values. ``names`` by
    language; ``decimals`` are shown.
    """

    __tablename__ = "resources"
    __table_args__ = (
        CheckConstraint("resource_type ~ '^[a-z][a-z0-9_]{0,62}$'", name="resource_type"),
        CheckConstraint("aggregation IN ('sum', 'max', 'last', 'unique')", name="aggregation"),
        CheckConstraint("jsonb_typeof(names) = 'object'", name="names"),
        CheckConstraint("decimals BETWEEN 0 AND 9", name="decimals"),
    )

    resource_type: Mapped[str] = mapped_column(primary_key=True)
    aggregation: Mapped[str]
    unit: Mapped[str] = mapped_column(server_default="")
    names: Mapped[dict[str, Any]]
    decimals: Mapped[int] = mapped_column(server_default="0")
    position: Mapped[int] = mapped_column(server_default="0")
    archived_at: Mapped[datetime | None]

    def name_in(self, language: str) -> str:
        """What people of a language call it; English, or its own word, where staff gave none."""
        return str(self.names.get(language) or self.names.get("en") or self.resource_type)

    @property
    def is_level(self) -> bool:
        """Whether its quantity is a height that was reached, not a sum."""
        return self.aggregation in LEVELS


class PlanResource(Timestamped, Model):
    """A plan's terms for a resource: what is included in a period, and what is beyond it.

    ``included`` of ``None``: what the plan's ``limits`` say, or without end. ``limit_kind``: "hard" refuses beyond it,
    "soft" bills. ``tiers`` by currency, as Stripe's: ``up_to``, ``unit_amount_decimal`` and ``flat_amount`` in minor
    units; a unit of them is a package of ``package_size``, begun ones whole.
    """

    __tablename__ = "plan_resources"
    __table_args__ = (
        CheckConstraint("included >= 0", name="included"),
        CheckConstraint("limit_kind IN ('soft', 'hard')", name="limit_kind"),
        CheckConstraint("tiers_mode IN ('graduated', 'volume')", name="tiers_mode"),
        CheckConstraint("jsonb_typeof(tiers) = 'object'", name="tiers"),
        CheckConstraint("package_size > 0", name="package_size"),
    )

    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"), primary_key=True)
    resource_type: Mapped[str] = mapped_column(ForeignKey("resources.resource_type"), primary_key=True)
    included: Mapped[Decimal | None] = mapped_column(QUANTITY)
    limit_kind: Mapped[str] = mapped_column(server_default="hard")
    tiers_mode: Mapped[str] = mapped_column(server_default="graduated")
    tiers: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    package_size: Mapped[Decimal] = mapped_column(QUANTITY, server_default="1")


class PlanResourceVersion(Model):
    """A plan's terms for a resource as they were from ``valid_from`` on, kept by triggers of what they are made of.

    ``included``: with what the plan's limits said then; ``None``: without end. Not ``is_granted``: they were taken
    out of the plan.
    """

    __tablename__ = "plan_resource_versions"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"), primary_key=True)
    resource_type: Mapped[str] = mapped_column(ForeignKey("resources.resource_type"), primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    is_granted: Mapped[bool]
    included: Mapped[Decimal | None] = mapped_column(QUANTITY)
    limit_kind: Mapped[str]
    tiers_mode: Mapped[str]
    tiers: Mapped[dict[str, Any]]
    package_size: Mapped[Decimal] = mapped_column(QUANTITY)


class UsagePeriod(TenantOwned, Timestamped, Model):
    """What is limited and billed together: half-open, from any second to any other; its days are of ``timezone``.

    ``subscription_id``, ``plan_id`` and ``currency``: whose terms it is billed by; none: it is not. ``is_trial``: the
    plan says whether its usage costs. ``whole_seconds``: of the period that a change of plan split it off from; what
    is included is its share of that. ``is_foretold``: its renewal was not heard of yet. ``closed_at``: what comes now
    for it is late, and charged when the next one closes. ``late_at``: something has come since it was charged.
    ``failures``: how often it could not be closed; it is tried again at ``retry_at``. ``hours_since``: its sums by
    hour before that are no longer kept.
    """

    __tablename__ = "usage_periods"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="span"),
        CheckConstraint("whole_seconds > 0", name="whole_seconds"),
        CheckConstraint("num_nonnulls(subscription_id, plan_id, currency) IN (0, 3)", name="terms"),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"]),
        Index("usage_periods_starts_at_idx", "tenant_id", "starts_at", unique=True),
        Index("usage_periods_open_idx", "ends_at", "tenant_id", postgresql_where=text("closed_at IS NULL")),
        Index(
            "usage_periods_hours_idx",
            "starts_at",
            "tenant_id",
            postgresql_where=text("hours_since IS DISTINCT FROM ends_at"),
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    timezone: Mapped[str]
    subscription_id: Mapped[UUID | None]
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.plan_id"))
    currency: Mapped[str | None]
    is_trial: Mapped[bool] = mapped_column(server_default="false")
    whole_seconds: Mapped[int | None]
    is_foretold: Mapped[bool] = mapped_column(server_default="false")
    closed_at: Mapped[datetime | None]
    late_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]
    hours_since: Mapped[datetime | None]

    def keeps_hours_from(self, at: datetime) -> bool:
        """Whether all sums by hour from a moment on are still there."""
        return self.hours_since is None or self.hours_since <= at

    @property
    def share(self) -> Fraction:
        """The part of what is included that this period has: all of it, unless it was split off."""
        if self.whole_seconds is None:
            return Fraction(1)
        return Fraction(int((self.ends_at - self.starts_at).total_seconds()), self.whole_seconds)


class UsageCharge(TenantOwned, Timestamped, Model):
    r"""What a period's usage of a resource cost when it was added up, with the terms that it follows from.

    ``number`` counts from 1: usage that is reported after a first charge, while its period is still open, makes
    another one of the difference. ``quantity``, ``included``, ``beyond`` and ``units`` are of the whole period;
    ``amount_minor`` is what this charge adds to ``before_minor``. ``is_waived``: a trial that costs nothing.
    ``stripe_invoice_id``: the draft that it goes on, chosen in the ``tries``\ th try. ``item_params`` and
    ``invoice_params``: what is asked of Stripe for it and, if need be, for an invoice of its own; the same as long as
    the key is. ``parked_at``: it is more than Stripe takes, and waits for staff.
    """

    __tablename__ = "usage_charges"
    __table_args__ = (
        UniqueConstraint("tenant_id", "period_id", "resource_type", "number", name="usage_charges_number_key"),
        ForeignKeyConstraint(["tenant_id", "period_id"], ["usage_periods.tenant_id", "usage_periods.id"]),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"]),
        CheckConstraint("number > 0", name="number"),
        Index("usage_charges_item_idx", "tenant_id", "stripe_invoice_item_id", unique=True),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    period_id: Mapped[UUID]
    resource_type: Mapped[str] = mapped_column(ForeignKey("resources.resource_type"))
    number: Mapped[int]
    subscription_id: Mapped[UUID]
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.plan_id"))
    currency: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(CHARGED)
    included: Mapped[Decimal | None] = mapped_column(QUANTITY)
    beyond: Mapped[Decimal] = mapped_column(CHARGED)
    units: Mapped[Decimal] = mapped_column(CHARGED)
    parts: Mapped[list[Any]]
    before_minor: Mapped[Minor] = mapped_column(WideMinor)
    amount_minor: Mapped[Minor] = mapped_column(WideMinor)
    is_waived: Mapped[bool] = mapped_column(server_default="false")
    tries: Mapped[int] = mapped_column(server_default="0")
    tried_at: Mapped[datetime | None]
    stripe_invoice_id: Mapped[str | None]
    stripe_invoice_item_id: Mapped[str | None]
    billed_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    item_params: Mapped[dict[str, Any] | None]
    invoice_params: Mapped[dict[str, Any] | None]

    @property
    def usage(self) -> Usage:
        """What the amount follows from, for its explanation."""
        parts = [
            (Decimal(part["from_units"]), Decimal(part["to_units"]), Decimal(part["unit_amount_decimal"]), flat)
            for part in self.parts
            for flat in [int(part["flat_amount"])]
        ]
        return Usage(
            charge_id=str(self.id),
            resource_type=self.resource_type,
            quantity=self.quantity,
            included=self.included,
            beyond=self.beyond,
            units=self.units,
            parts=tuple(parts),
            before_minor=self.before_minor,
        )

    @property
    def explanation(self) -> Explanation:
        """The same as the explanation of an invoice's line."""
        return Explanation("usage", Decimal(self.amount_minor), Decimal(1), Share(self.amount_minor), usage=self.usage)


class UsageKey(Model):
    """An event's id, counted once for ever; ``body_hash`` (SHA-256) tells a repeat from another event."""

    __tablename__ = "usage_keys"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    id: Mapped[UUID]


class UsageEvent(Model):
    """One report. It counts at ``counted_at`` with the period that holds it; ``is_late``: that was closed already.

    ``recorded_at`` is real time, also where a test clock says otherwise, and the milliseconds of ``id``.
    """

    __tablename__ = "usage_events"
    __table_args__ = (
        Index("usage_events_period_idx", "tenant_id", "period_id", "resource_type", "counted_at"),
        Index("usage_events_corrects_idx", "tenant_id", "corrects", postgresql_where=text("corrects IS NOT NULL")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    resource_type: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    counted_at: Mapped[datetime]
    period_id: Mapped[UUID]
    is_late: Mapped[bool] = mapped_column(server_default="false")
    event_id: Mapped[str | None]
    corrects: Mapped[str | None]
    value: Mapped[str | None]
    source: Mapped[str] = mapped_column(server_default="")


class UsageRollup(Model):
    """Sums of a period's events by hour, day or the whole, and by source; spread over slots, so that writers pass."""

    __tablename__ = "usage_rollups"
    __table_args__ = (CheckConstraint("grain IN ('hour', 'day', 'period')", name="grain"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    period_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource_type: Mapped[str] = mapped_column(primary_key=True)
    grain: Mapped[str] = mapped_column(primary_key=True)
    bucket_at: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    total: Mapped[Decimal] = mapped_column(Numeric(30, 9))
    events: Mapped[int]
    highest: Mapped[Decimal] = mapped_column(QUANTITY)
    latest: Mapped[Decimal] = mapped_column(QUANTITY)
    latest_at: Mapped[datetime]


class UsageUnique(Model):
    """A value that an hour, a day or a period saw of a resource whose different values are counted."""

    __tablename__ = "usage_uniques"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    period_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource_type: Mapped[str] = mapped_column(primary_key=True)
    grain: Mapped[str] = mapped_column(primary_key=True)
    bucket_at: Mapped[datetime] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)


class UsageRetiredMonth(Model):
    """A month (its first day) whose events are gone: dropped, or left as a table of their own."""

    __tablename__ = "usage_retired_months"

    month: Mapped[date] = mapped_column(primary_key=True)
    is_dropped: Mapped[bool]
    retired_at: Mapped[datetime] = mapped_column(server_default=func.now())
