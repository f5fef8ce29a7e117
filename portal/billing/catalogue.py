"""What can be bought now."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from portal.errors import Invalid
from portal.extensions import db
from portal.models import Plan, PlanPrice


class UnknownPlan(Invalid):
    """No such plan, an archived one, or an interval that it is not sold in: one answer for all three."""

    code = "unknown_plan"
    message = "This plan is not available."
    remedy = "Please choose one of the plans on this page."


@dataclass(frozen=True)
class OfferedPrice:
    """A price that Stripe knows; ``unit_amount_minor`` per interval in minor units of ``currency``."""

    plan_price_id: UUID
    interval: str
    unit_amount_minor: int
    currency: str
    stripe_price_id: str


@dataclass(frozen=True)
class Offer:
    """A plan on sale with its prices by interval. ``limits``: included quantities by resource; trials as in Plan."""

    plan_id: str
    name: str
    description: str
    features: tuple[str, ...]
    limits: Mapping[str, int]
    trial_days: int
    trial_method: str
    trial_end: str
    max_quantity: int
    prices: Mapping[str, OfferedPrice]

    @property
    def is_free(self) -> bool:
        return all(price.unit_amount_minor == 0 for price in self.prices.values())


def offers() -> list[Offer]:
    """The plans on sale, cheapest first: not archived, published, in the installation's currency."""
    currency = current_app.extensions["settings"].currency
    rows = db.session.execute(
        select(Plan, PlanPrice)
        .join(PlanPrice, PlanPrice.plan_id == Plan.plan_id)
        .where(
            Plan.archived_at.is_(None),
            PlanPrice.retired_at.is_(None),
            PlanPrice.stripe_price_id.is_not(None),
            PlanPrice.currency == currency,
        )
        .order_by(Plan.position, Plan.price_monthly, Plan.plan_id)
    ).all()
    prices: dict[str, dict[str, OfferedPrice]] = {}
    for _plan, price in rows:
        prices.setdefault(price.plan_id, {})[price.interval] = _offered(price)
    plans = {plan.plan_id: plan for plan, _price in rows}
    return [_offer(plan, prices[plan_id]) for plan_id, plan in plans.items()]


def offer(plan_id: str, interval: str) -> tuple[Offer, OfferedPrice]:
    """One plan on sale and its price for an interval. Raises :class:`UnknownPlan`."""
    for found in offers():
        if found.plan_id == plan_id and interval in found.prices:
            return found, found.prices[interval]
    raise UnknownPlan


def _offer(plan: Plan, prices: Mapping[str, OfferedPrice]) -> Offer:
    return Offer(
        plan_id=plan.plan_id,
        name=plan.name,
        description=plan.description,
        features=tuple(str(feature) for feature in plan.features),
        limits=dict(plan.limits),
        trial_days=plan.trial_days,
        trial_method=plan.trial_method,
        trial_end=plan.trial_end,
        max_quantity=plan.max_quantity,
        prices=prices,
    )


def _offered(price: PlanPrice) -> OfferedPrice:
    return OfferedPrice(price.id, price.interval, price.unit_amount_minor, price.currency, str(price.stripe_price_id))
