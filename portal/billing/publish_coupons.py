"""Publishing coupons to Stripe, as coupons only: with promotion codes our caps could be bypassed."""

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from portal.extensions import db
from portal.findings import report_about
from portal.gateway.client import gateway, keyed
from portal.gateway.errors import StripeMissing, StripeRefused
from portal.models import Coupon, Plan
from portal.outbox import Retry, Work, finish

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params import CouponCreateParams

PLANS_SECONDS = 5
log = logging.getLogger("portal.publish")


def publish_missing_coupons() -> None:
    """Publish the coupons that Stripe does not know yet: cheap, asks Stripe nothing when there is none.

    Idempotent: Stripe's id is derived from ours, so that even a lost answer finds the coupon again. What Stripe
    refuses is a finding for staff, and no reason to withhold the others.
    """
    missing = db.session.scalars(
        select(Coupon.id).where(Coupon.stripe_coupon_id.is_(None), Coupon.archived_at.is_(None))
    ).all()
    db.session.commit()
    for coupon_id in missing:
        _publish_or_report(coupon_id)


def publish(work: Work) -> None:
    """The outbox's work after staff made one. Payload: ``coupon_id``. Waits for the plans that it is for."""
    if not _publish_or_report(UUID(str(work.payload["coupon_id"]))):
        raise Retry(PLANS_SECONDS, "a plan of the coupon is not published yet")
    finish(work)
    db.session.commit()


def _publish_or_report(coupon_id: UUID) -> bool:
    """Returns whether there is nothing left to do for it."""
    try:
        return _publish(coupon_id)
    except StripeRefused as error:
        db.session.rollback()
        log.warning("coupon %s cannot be published: %s", coupon_id, error)
        report_about(None, "unpublished_coupon", str(coupon_id), error=str(error)[:300])
        db.session.commit()
        return True


def _publish(coupon_id: UUID) -> bool:
    coupon = db.session.get_one(Coupon, coupon_id)
    products = _products(coupon)
    db.session.commit()
    if coupon.stripe_coupon_id is not None:
        return True
    if products is None:
        return False
    stripe_id = f"coupon_{coupon.id.hex}"
    try:
        gateway().read(lambda s: s.v1.coupons.retrieve(stripe_id))
    except StripeMissing:
        params = _params(coupon, stripe_id, products)
        gateway().write(lambda s: s.v1.coupons.create(params, keyed(f"coupon:{coupon.id}")))
    db.session.refresh(coupon)
    coupon.stripe_coupon_id = stripe_id
    db.session.commit()
    return True


def _products(coupon: Coupon) -> list[str] | None:
    """The Stripe products of the plans that it is for; ``None`` while one of them is not published."""
    rows = db.session.execute(select(Plan.plan_id, Plan.stripe_product_id).where(Plan.plan_id.in_(coupon.plan_ids)))
    found = {row[0]: row[1] for row in rows}
    products = [found.get(plan_id) for plan_id in coupon.plan_ids]
    known = [product for product in products if product is not None]
    return known if len(known) == len(products) else None


def _params(coupon: Coupon, stripe_id: str, products: list[str]) -> "CouponCreateParams":
    """What is taken off, how long and of which products. Caps and windows stay ours: Stripe would count otherwise."""
    params: CouponCreateParams = {
        "id": stripe_id,
        "name": coupon.name,
        "duration": coupon.terms.duration,
        "metadata": {"code": coupon.code, "coupon_id": str(coupon.id)},
    }
    if coupon.duration_in_months is not None:
        params["duration_in_months"] = coupon.duration_in_months
    if products:
        params["applies_to"] = {"products": products}
    if coupon.percent_off is not None:
        params["percent_off"] = float(coupon.percent_off)  # Stripe's type; two decimals survive it
        return params
    return {**params, **_amounts(coupon)}  # type: ignore[typeddict-item]  # the keys are literals below


def _amounts(coupon: Coupon) -> dict[str, Any]:
    """The amount in the installation's currency if it has one there, the others as options."""
    amounts = dict(sorted(coupon.amounts_off.items()))
    own = current_app.extensions["settings"].currency
    first = own if own in amounts else next(iter(amounts))
    others = {currency: {"amount_off": amount} for currency, amount in amounts.items() if currency != first}
    more = {"currency_options": others} if others else {}
    return {"currency": first, "amount_off": amounts[first], **more}
