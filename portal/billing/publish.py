"""Publishing plans to Stripe as products and prices, as often as one likes."""

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy import select

from portal import clock, money
from portal.extensions import db
from portal.findings import report
from portal.gateway.client import as_dict, gateway, keyed
from portal.gateway.errors import StripeMissing, StripeRefused
from portal.ids import uuid7
from portal.models import Plan, PlanPrice
from portal.models.plans import INTERVALS

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import PriceCreateParams, ProductCreateParams, ProductUpdateParams

log = logging.getLogger("portal.publish")


def publish_plans() -> int:
    """Make Stripe's products and prices equal to the plans on sale. Returns how many prices are on sale.

    Idempotent: keys are derived from our rows, a sold price is never edited but retired, and its successor
    takes over the lookup key. Each step is committed, so that a broken run is simply run again.
    """
    for plan in _plans_on_sale():
        _publish(plan)
    _retire_archived()
    return db.session.query(PlanPrice).filter(PlanPrice.retired_at.is_(None)).count()


def publish_what_is_missing() -> None:
    """Publish plans that were written since: cheap, asks Stripe nothing when all is published."""
    missing = [plan for plan in _plans_on_sale() if not _is_published(plan)]
    db.session.commit()
    for plan in missing:
        _publish(plan)
    _retire_archived()


def _plans_on_sale() -> Sequence[Plan]:
    plans = db.session.scalars(select(Plan).where(Plan.archived_at.is_(None)).order_by(Plan.plan_id)).all()
    db.session.commit()
    return plans


def _publish(plan: Plan) -> None:
    """One plan. What cannot be published is a finding for staff, and no reason to withhold the others."""
    try:
        _publish_product(plan)
        for interval in INTERVALS:
            _publish_price(plan, interval)
    except (money.InvalidAmount, StripeRefused) as error:
        db.session.rollback()
        log.warning("plan %s cannot be published: %s", plan.plan_id, error)
        report("unpublished_plan", plan.plan_id, error=str(error)[:300])
        db.session.commit()


def _is_published(plan: Plan) -> bool:
    try:
        wanted = {interval: _list_price(plan, interval) for interval in INTERVALS}
    except money.InvalidAmount:
        return False
    prices = {interval: _price_on_sale(plan, interval, currency) for interval, (currency, _) in wanted.items()}
    return plan.stripe_product_id is not None and all(
        price is not None and price.is_sold and price.unit_amount_minor == wanted[interval][1]
        for interval, price in prices.items()
    )


def _list_price(plan: Plan, interval: str) -> tuple[str, int]:
    """Currency and amount in minor units that the plan's row asks for."""
    currency = plan.currency or current_app.extensions["settings"].currency
    return currency, money.from_decimal(Decimal(plan.price_for(interval)), currency)


def _publish_product(plan: Plan) -> None:
    """The product's id is derived from the plan's, so that even a lost answer finds it again."""
    product_id = f"plan_{plan.plan_id}"
    # Stripe refuses an empty description.
    shown: ProductUpdateParams = {"name": plan.name}
    if plan.description:
        shown["description"] = plan.description
    try:
        found = as_dict(gateway().read(lambda s: s.v1.products.retrieve(product_id)))
        if any(found.get(field) != value for field, value in shown.items()):
            gateway().write(lambda s: s.v1.products.update(product_id, shown))
    except StripeMissing:
        params: ProductCreateParams = {"id": product_id, "metadata": {"plan_id": plan.plan_id}, "name": plan.name}
        if plan.description:
            params["description"] = plan.description
        gateway().write(lambda s: s.v1.products.create(params, keyed(f"product:{plan.plan_id}")))
    if plan.stripe_product_id != product_id:
        db.session.add(plan)
        plan.stripe_product_id = product_id
        db.session.commit()


def _publish_price(plan: Plan, interval: str) -> None:
    currency, amount_minor = _list_price(plan, interval)
    price = _current_price(plan, interval, currency, amount_minor)
    if price.stripe_price_id is None:
        params: PriceCreateParams = {
            "product": str(plan.stripe_product_id),
            "currency": currency,
            "unit_amount": amount_minor,
            "recurring": {"interval": interval},
            "lookup_key": price.lookup_key,
            "transfer_lookup_key": True,
            "metadata": {"plan_id": plan.plan_id, "plan_price_id": str(price.id)},
        }
        created = gateway().write(lambda s: s.v1.prices.create(params, keyed(f"price:{price.id}")))
        price.stripe_price_id = created.id
        db.session.commit()


def _current_price(plan: Plan, interval: str, currency: str, amount_minor: int) -> PlanPrice:
    """The row of the price on sale; a changed amount retires the old row and makes a new one, in one commit."""
    price = _price_on_sale(plan, interval, currency)
    if price is None or price.unit_amount_minor != amount_minor:
        if price is not None:
            price.retired_at = clock.now()
            db.session.flush()
        price = PlanPrice(
            id=uuid7(),
            plan_id=plan.plan_id,
            interval=interval,
            currency=currency,
            unit_amount_minor=amount_minor,
        )
        db.session.add(price)
    db.session.commit()
    return price


def _price_on_sale(plan: Plan, interval: str, currency: str) -> PlanPrice | None:
    return db.session.scalars(
        select(PlanPrice).where(
            PlanPrice.plan_id == plan.plan_id,
            PlanPrice.interval == interval,
            PlanPrice.currency == currency,
            PlanPrice.retired_at.is_(None),
        )
    ).first()


def _retire_archived() -> None:
    archived = select(Plan.plan_id).where(Plan.archived_at.is_not(None))
    for price in db.session.scalars(
        select(PlanPrice).where(PlanPrice.plan_id.in_(archived), PlanPrice.retired_at.is_(None))
    ):
        price.retired_at = clock.now()
    db.session.commit()
