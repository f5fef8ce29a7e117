"""What a plan grants of each resource: how much, and what becomes of more."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from sqlalchemy import and_, literal, select

from portal.extensions import db
from portal.models import Plan, PlanResource, PlanResourceVersion, Resource
from portal.pricing import metering


class Terms(NamedTuple):
    """A plan's terms for a resource. ``included`` of ``None``: without end. "hard" refuses more, "soft" bills it.

    ``rates``: how what is beyond is priced, by lower-case currency; none: it costs nothing.
    """

    resource: Resource
    included: Decimal | None
    limit_kind: Literal["soft", "hard"]
    rates: Mapping[str, metering.Rate] = MappingProxyType({})

    def sells(self, currency: str) -> bool:
        """Whether what is beyond can be had at all, for a price in this currency."""
        return self.limit_kind == "soft" and self.included is not None and currency in self.rates

    def included_in(self, share: Fraction) -> Decimal | None:
        """What is included in a part of a whole period: of what adds up that part, of a level all of it."""
        if self.resource.is_level or self.included is None:
            return self.included
        return metering.part_of(self.included, share, self.resource.decimals)

    def price(self, quantity: Decimal, currency: str, share: Fraction = Fraction(1)) -> metering.Metered:
        """What ``quantity`` in a period costs beyond what is included. A hard limit sells nothing.

        ``share``: of a whole period, for a part of one. Of what adds up that part of the included quantity is free; a
        level is free up to all of it, and what is beyond costs that part of its price.
        """
        rate = self.rates.get(currency) if self.limit_kind == "soft" else None
        if self.resource.is_level or self.included is None:
            return metering.price(quantity, self.included, rate, currency, share)
        return metering.price(quantity, self.included_in(share), rate, currency)


def of_plan(plan: Plan) -> Mapping[str, Terms]:
    """By resource, in the order in which they are shown; those that the plan says nothing of are left out.

    What the plan's ``limits`` say is included; beyond it nothing can be used, unless the plan sells more.
    """
    return of_plans({plan.plan_id: plan.limits})[plan.plan_id]


def of_plans(
    limits: Mapping[str, Mapping[str, Any]], *, with_archived: bool = False
) -> Mapping[str, Mapping[str, Terms]]:
    """As :func:`of_plan` of several plans in one query, by plan; ``limits``: theirs."""
    is_of_them = and_(PlanResource.resource_type == Resource.resource_type, PlanResource.plan_id.in_(limits))
    found: dict[str, dict[str, Terms]] = {plan_id: {} for plan_id in limits}
    rows = db.session.execute(
        select(Resource, PlanResource)
        .outerjoin(PlanResource, is_of_them)
        .where(Resource.archived_at.is_(None) | literal(with_archived))
        .order_by(Resource.position, Resource.resource_type)
    ).all()
    own = {(row.plan_id, row.resource_type): row for _resource, row in rows if row is not None}
    for resource in dict.fromkeys(resource for resource, _row in rows):
        for plan_id, plan_limits in limits.items():
            row = own.get((plan_id, resource.resource_type))
            if row is not None or resource.resource_type in plan_limits:
                found[plan_id][resource.resource_type] = _terms(resource, row, plan_limits)
    return found


def of_plan_at(plan: Plan, at: datetime) -> Mapping[str, Terms]:
    """As :func:`of_plan`, as they were at a time, of what can no longer be reported, too: what usage is billed by.

    Where there were none then, the earliest that came later; what was in the plan's ``limits`` alone costs nothing.
    """
    versions = select(PlanResourceVersion).where(PlanResourceVersion.plan_id == plan.plan_id)
    found: dict[str, PlanResourceVersion] = {}
    for version in db.session.scalars(versions.order_by(PlanResourceVersion.valid_from)):
        if version.is_granted and (version.valid_from <= at or version.resource_type not in found):
            found[version.resource_type] = version
        elif version.valid_from <= at:
            found.pop(version.resource_type, None)
    resources = db.session.scalars(select(Resource).order_by(Resource.position, Resource.resource_type))
    return {
        resource.resource_type: _terms(resource, found.get(resource.resource_type), plan.limits)
        for resource in resources
        if resource.resource_type in found or resource.resource_type in plan.limits
    }


def _terms(resource: Resource, own: PlanResource | PlanResourceVersion | None, limits: Mapping[str, Any]) -> Terms:
    limit = limits.get(resource.resource_type)
    included = None if limit is None else Decimal(str(limit))
    if own is None:
        return Terms(resource, included, "hard")
    kind: Literal["soft", "hard"] = "soft" if own.limit_kind == "soft" else "hard"
    mode: metering.Mode = "volume" if own.tiers_mode == "volume" else "graduated"
    rates = {currency: metering.rate(mode, tiers, own.package_size) for currency, tiers in own.tiers.items()}
    if own.included is not None or isinstance(own, PlanResourceVersion):
        included = own.included
    return Terms(resource, included, kind, rates)
