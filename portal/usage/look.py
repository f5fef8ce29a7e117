"""What the bound tenant looks at: a period's standing, and one resource of it by day, hour and source. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from portal import business_time, tenancy
from portal.billing.standing import state as account_state
from portal.billing.subscriptions import live_subscription, plan_of
from portal.errors import NotFound
from portal.extensions import db
from portal.models import Plan, Resource, Subscription, Tenant, UsageCharge, UsagePeriod
from portal.pricing import forecast
from portal.usage import course, figures, outlook, series, summary
from portal.usage.figures import Share, Span
from portal.usage.outlook import Cost
from portal.usage.summary import Standing
from portal.usage.terms import Terms

PERIODS_SHOWN = 36
SOURCES_SHOWN = 20
SHORTEST_MONTH = timedelta(days=28, hours=-1)  # of people whose clocks are put forward in it


class Filters(NamedTuple):
    """What is looked at. ``None``: the first resource, the period that runs, all days, all sources."""

    resource_type: str | None = None
    period_id: UUID | None = None
    on: date | None = None
    source: str | None = None


@dataclass(frozen=True)
class Period:
    """A period and all that stands in it, as of ``as_of``. ``row`` of ``None``: nothing was reported since it began.

    ``periods``: those that there are, the newest first. ``granted``: by the ``plan`` that the period is billed by.
    ``account``: "good", "grace", "restricted" (nothing beyond may be used) or "suspended" (nothing at all).
    """

    row: UsagePeriod | None
    periods: Sequence[UsagePeriod]
    as_of: datetime
    zone: ZoneInfo
    subscription: Subscription | None
    plan: Plan | None
    granted: Mapping[str, Terms]
    standings: tuple[Standing, ...]
    account: str = "good"

    @property
    def is_current(self) -> bool:
        return self.row is None or self.row.starts_at <= self.as_of < self.row.ends_at

    @property
    def previous(self) -> UsagePeriod | None:
        """The one before the period that runs."""
        return next((period for period in self.periods if period.ends_at <= self.as_of), None)

    @property
    def compared(self) -> UsagePeriod | None:
        """The month to be priced on each plan: the one that is looked at, or the last whole one that is over.

        A part of a month has less usage than what a plan includes for one, and would look cheap on each.
        """
        if not self.is_current:
            return self.row if self.row is not None and _is_whole_month(self.row) else None
        over = (period for period in self.periods if period.ends_at <= self.as_of)
        return next((period for period in over if _is_whole_month(period)), None)

    @property
    def currency(self) -> str | None:
        if self.row is not None and self.row.currency is not None:
            return self.row.currency
        return None if self.subscription is None else self.subscription.currency

    @property
    def is_waived(self) -> bool:
        """Whether nothing beyond is charged, because it is a trial."""
        is_trial = self.row is not None and self.row.is_trial
        return is_trial and self.plan is not None and self.plan.usage_in_trial == "free"

    @property
    def free_until(self) -> datetime | None:
        """When the trial in which nothing beyond is charged ends; ``None`` where none runs."""
        if not self.is_waived or not self.is_current or self.row is None:
            return None
        trial_end = self.subscription.trial_end if self.subscription else None
        return trial_end if trial_end is not None and trial_end > self.as_of else self.row.ends_at

    @property
    def is_unpaid(self) -> bool:
        """Whether a payment is overdue: what would help then is to pay, not to buy more."""
        return self.subscription is not None and self.subscription.status in ("past_due", "unpaid")

    @property
    def span(self) -> Span | None:
        return (self.row.starts_at, self.row.ends_at) if self.row else None

    def days_of(self, row: UsagePeriod) -> tuple[date, date]:
        """The first and the last day of a period in the tenant's zone; the last second of it is its last day's."""
        last = row.ends_at - timedelta(seconds=1)
        return row.starts_at.astimezone(self.zone).date(), last.astimezone(self.zone).date()

    @property
    def has_usage(self) -> bool:
        return any(standing.is_reported for standing in self.standings)


@dataclass(frozen=True)
class Detail:
    """One resource in a period. ``points``: its days; ``hours``: those of the chosen day ``on``.

    With a source chosen, days and hours are that source's alone; the forecast and the cost are of all of them.
    ``charges``: what the period was billed, once it is over.
    """

    period: UsagePeriod
    standing: Standing
    points: Sequence[series.Point]
    hours: Sequence[series.Point]
    on: date | None
    source: str | None
    shares: Sequence[Share]
    foretold: forecast.Forecast
    cost: Cost | None
    charges: Sequence[UsageCharge]

    @property
    def resource(self) -> Resource:
        return self.standing.resource

    @property
    def is_level(self) -> bool:
        return self.resource.is_level

    @property
    def has_more_shares(self) -> bool:
        return len(self.shares) > SOURCES_SHOWN


def period(period_id: UUID | None = None) -> Period:
    """The period that runs, or another of the tenant's. Raises :class:`portal.errors.NotFound`."""
    now = business_time.now()
    known = db.session.scalars(select(UsagePeriod).order_by(UsagePeriod.starts_at.desc()).limit(PERIODS_SHOWN)).all()
    if period_id is None:
        row = next((each for each in known if each.starts_at <= now < each.ends_at and each.closed_at is None), None)
    else:
        row = next((each for each in known if each.id == period_id), None)
        if row is None:
            raise NotFound
    subscription = live_subscription()
    plan = _plan(row, subscription, is_over=row is not None and row.ends_at <= now)
    used = figures.used(row.id) if row else {}
    granted = summary.granted_beside(plan, used, row.starts_at if row else now) if plan is not None else {}
    return Period(
        row=row,
        periods=known,
        as_of=now,
        zone=ZoneInfo(row.timezone if row else db.session.get_one(Tenant, tenancy.require_tenant()).timezone),
        subscription=subscription,
        plan=plan,
        granted=granted,
        standings=summary.standings(granted, used, row.share if row else Fraction(1)),
        account=account_state(),
    )


def _is_whole_month(row: UsagePeriod) -> bool:
    """Whether it was neither split nor cut to less than the shortest month."""
    return row.whole_seconds is None and row.ends_at - row.starts_at >= SHORTEST_MONTH


def _plan(row: UsagePeriod | None, subscription: Subscription | None, *, is_over: bool) -> Plan | None:
    """The plan that a period is billed by; where it is of none yet and still runs, the one that there is now."""
    if row is not None and row.plan_id is not None:
        return db.session.get_one(Plan, row.plan_id)
    return plan_of(subscription) if subscription is not None and not is_over else None


def detail(shown: Period, filters: Filters) -> Detail | None:
    """One resource of a period; ``None`` where there is none to look at. Raises :class:`portal.errors.NotFound`."""
    standing = _chosen(shown.standings, filters.resource_type)
    if standing is None or shown.row is None or shown.span is None:
        return None
    first, last = shown.days_of(shown.row)
    if filters.on is not None and not first <= filters.on <= last:
        raise NotFound
    resource = standing.resource
    whole = course.of(shown.row, resource, shown.zone, shown.as_of)
    days = whole.days()
    foretold = outlook.foretell(shown.row, standing, days, whole.before, shown.as_of)
    granted = shown.granted.get(resource.resource_type)
    chosen = whole
    if filters.source is not None:
        chosen = course.of(shown.row, resource, shown.zone, shown.as_of, filters.source)
        days = chosen.days()
    within = chosen.within(filters.on) if filters.on else None
    return Detail(
        period=shown.row,
        standing=standing,
        points=days,
        hours=chosen.hours(filters.on, days) if filters.on else (),
        on=filters.on,
        source=filters.source,
        shares=figures.shares(shown.row.id, resource.resource_type, SOURCES_SHOWN + 1, within),
        foretold=foretold,
        cost=outlook.cost(shown.row, standing, granted, shown.currency, foretold, is_waived=shown.is_waived),
        charges=() if shown.is_current else _charges(shown.row.id, resource.resource_type),
    )


def _chosen(standings: Sequence[Standing], resource_type: str | None) -> Standing | None:
    if resource_type is None:
        used = [standing for standing in standings if standing.is_reported]
        return next(iter([*used, *standings]), None)
    found = next((standing for standing in standings if standing.resource.resource_type == resource_type), None)
    if found is None:
        raise NotFound
    return found


def _charges(period_id: UUID, resource_type: str) -> Sequence[UsageCharge]:
    wanted = select(UsageCharge).where(UsageCharge.period_id == period_id, UsageCharge.resource_type == resource_type)
    return db.session.scalars(wanted.order_by(UsageCharge.number)).all()
