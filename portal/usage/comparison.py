"""What a month's usage would have cost on each plan on sale: the plan's price and what is beyond it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from portal import money
from portal.billing import catalogue
from portal.billing.catalogue import Offer
from portal.extensions import db
from portal.models import Resource, Subscription
from portal.usage import terms
from portal.usage.terms import Terms

MONTHS = {"month": 1, "year": 12}


class Fit(NamedTuple):
    """A plan for a month: its price, what is beyond it, both in minor units.

    ``refused``: resources of which it would not have given as much as was used. ``is_cheapest``: of those that would.
    """

    offer: Offer
    currency: str
    base_minor: int
    beyond_minor: int
    refused: tuple[Resource, ...]
    is_current: bool
    is_cheapest: bool = False

    @property
    def total_minor(self) -> int:
        return self.base_minor + self.beyond_minor


def fits(used: Mapping[str, Decimal], subscription: Subscription | None) -> Sequence[Fit]:
    """Each plan on sale, cheapest price first; a plan sold by the seat with the seats of now.

    ``used``: of a whole month, which is what plans include a quantity for.
    """
    offers = catalogue.offers()
    granted = terms.of_plans({offer.plan_id: offer.limits for offer in offers}, with_archived=True)
    found = [_fit(offer, granted[offer.plan_id], used, subscription) for offer in offers]
    enough = [fit.total_minor for fit in found if not fit.refused]
    lowest = min(enough, default=None)
    return [fit._replace(is_cheapest=not fit.refused and fit.total_minor == lowest) for fit in found]


def _fit(
    offer: Offer, granted: Mapping[str, Terms], used: Mapping[str, Decimal], subscription: Subscription | None
) -> Fit:
    price = offer.prices.get("month") or next(iter(offer.prices.values()))
    seats = min(subscription.quantity, offer.max_quantity) if subscription else 1
    base = money.round_half_up(Decimal(price.unit_amount_minor * seats) / MONTHS[price.interval])
    return Fit(
        offer=offer,
        currency=price.currency,
        base_minor=base,
        beyond_minor=sum(granted[name].price(used[name], price.currency).amount for name in used if name in granted),
        refused=tuple(
            db.session.get_one(Resource, name)
            for name, quantity in used.items()
            if _refuses(granted.get(name), quantity)
        ),
        is_current=subscription is not None and subscription.plan_id == offer.plan_id,
    )


def _refuses(granted: Terms | None, quantity: Decimal) -> bool:
    if granted is None:
        return quantity > 0
    return granted.limit_kind == "hard" and granted.included is not None and quantity > granted.included
