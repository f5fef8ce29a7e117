"""Where the bound tenant stands in the period that runs: each resource beside what its plan grants."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from portal import business_time
from portal.billing.subscriptions import live_subscription, plan_of
from portal.extensions import db
from portal.models import Plan, Resource
from portal.usage import figures, periods, terms

NEAR_PERCENT = 80
State = Literal["endless", "normal", "near", "over"]


class Standing(NamedTuple):
    """One resource; ``limit`` of ``None``: without end. ``is_soft``: more is sold, and billed.

    ``is_reported``: something was, be it zero.
    """

    resource: Resource
    used: Decimal
    limit: Decimal | None
    is_soft: bool
    is_reported: bool = False

    @property
    def remaining(self) -> Decimal | None:
        return None if self.limit is None else max(self.limit - self.used, Decimal(0))

    @property
    def beyond(self) -> Decimal:
        return Decimal(0) if self.limit is None else max(self.used - self.limit, Decimal(0))

    @property
    def percent(self) -> int | None:
        """How much of the limit is used, whole percents, rounded down; ``None`` without a limit."""
        return int(self.used * 100 / self.limit) if self.limit else None

    @property
    def state(self) -> State:
        """ "near" from 80 % on. "over": more than is included; of a hard limit, that it is reached."""
        if self.limit is None:
            return "endless"
        if self.beyond or (self.limit and self.used >= self.limit and not self.is_soft):
            return "over"
        return "near" if (self.percent or 0) >= NEAR_PERCENT else "normal"


class Summary(NamedTuple):
    """The period, half-open, and the resources that the plan has or that were used all the same."""

    starts_at: datetime
    ends_at: datetime
    resources: tuple[Standing, ...]


def of_now() -> Summary:
    """What the next request sees, too: read from the sums. Begins the period where nobody has; commits."""
    period = periods.begin(business_time.now())
    subscription = live_subscription()
    used = figures.used(period.id)
    granted = granted_beside(plan_of(subscription), used, period.starts_at) if subscription is not None else {}
    shown = standings(granted, used, period.share)
    db.session.commit()
    return Summary(period.starts_at, period.ends_at, shown)


class Beside(NamedTuple):
    """What a plan grants beside what was used; ``beyond_minor``: what is beyond it costs as things stand."""

    standings: tuple[Standing, ...]
    beyond_minor: int


def beside(plan: Plan, currency: str) -> Beside:
    """What a plan grants beside what was used in the period that runs: two queries, nothing is begun."""
    now = business_time.now()
    period, used = figures.used_at(now)
    granted = granted_beside(plan, used, period.starts_at if period else now)
    share = period.share if period else Fraction(1)
    is_waived = period is not None and period.is_trial and plan.usage_in_trial == "free"
    costs = [
        granted[name].price(quantity, currency, share).amount for name, quantity in used.items() if name in granted
    ]
    return Beside(standings(granted, used, share), 0 if is_waived else sum(costs))


def granted_beside(plan: Plan, used: Collection[str], at: datetime) -> Mapping[str, terms.Terms]:
    """What a plan grants of what can be reported, and of what was ``used`` while it could: that is billed, too.

    ``at``: when the period began; it is billed by the terms of then.
    """
    granted = terms.of_plan_at(plan, at)
    return {name: each for name, each in granted.items() if each.resource.archived_at is None or name in used}


def standings(
    granted: Mapping[str, terms.Terms], used: Mapping[str, Decimal], share: Fraction = Fraction(1)
) -> tuple[Standing, ...]:
    """What a plan grants, and what was used all the same, in the order in which resources are shown.

    ``share``: of a whole period, for a part of one.
    """
    known = {name: each.resource for name, each in granted.items()}
    if not used.keys() <= known.keys():  # also those that are archived
        known = {name: resource for name, resource in _resources().items() if name in known or name in used}
    return tuple(_standing(resource, granted.get(name), used.get(name), share) for name, resource in known.items())


def _standing(resource: Resource, granted: terms.Terms | None, used: Decimal | None, share: Fraction) -> Standing:
    limit = Decimal(0) if granted is None else granted.included_in(share)
    is_soft = granted is not None and granted.limit_kind == "soft"
    return Standing(resource, used or Decimal(0), limit, is_soft, used is not None)


def _resources() -> dict[str, Resource]:
    ordered = db.select(Resource).order_by(Resource.position, Resource.resource_type)
    return {resource.resource_type: resource for resource in db.session.scalars(ordered)}
