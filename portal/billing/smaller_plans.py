"""What to offer whoever leaves: a smaller plan for as many seats, where the plan may be changed at all."""

from dataclasses import dataclass

from portal.billing import catalogue
from portal.billing.catalogue import Offer
from portal.billing.plan_change_offers import changeable, wanted_of
from portal.errors import DomainError
from portal.models import Subscription


@dataclass(frozen=True)
class Smaller:
    """A plan that costs less for the same ``quantity``: a period of all of it, in minor units, then and now."""

    offer: Offer
    quantity: int
    amount_minor: int
    now_minor: int


def smaller_plan() -> Smaller | None:
    """The dearest plan on sale that costs the bound tenant less than its own; ``None`` where no change is possible."""
    try:
        subscription = changeable()
    except DomainError:
        return None
    found = [offer for offer in catalogue.offers() if _is_smaller(offer, subscription)]
    amounts = {offer.plan_id: offer.prices[subscription.interval].unit_amount_minor for offer in found}
    best = max(found, key=lambda offer: amounts[offer.plan_id], default=None)
    if best is None:
        return None
    quantity = subscription.quantity
    return Smaller(best, quantity, amounts[best.plan_id] * quantity, subscription.amount_minor)


def _is_smaller(offer: Offer, subscription: Subscription) -> bool:
    price = offer.prices.get(subscription.interval)
    if price is None or price.unit_amount_minor >= subscription.unit_amount_minor:
        return False
    try:
        wanted_of(subscription, offer.plan_id, subscription.interval, subscription.quantity)
    except DomainError:  # not for so many seats, or in another currency
        return False
    return True
