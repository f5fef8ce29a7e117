"""What using and removing a coupon does at Stripe. Done by the request, or by the worker that inherited it."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from portal import lookups
from portal.extensions import db
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeFailure, StripeMisconfigured, StripeRefused
from portal.gateway.inbox import want
from portal.mirror import redemptions
from portal.mirror.customers import locked
from portal.models import Coupon, CouponRedemption, Subscription
from portal.notices.notify import notify
from portal.outbox import Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params import SubscriptionUpdateParams


def apply(work: Work) -> None:
    """Redeem the reserved coupon on its subscription, or release it when Stripe refuses. Payload: ``redemption_id``.

    Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` when the effect is unknown: the outbox row stays
    and is done again with the same key. Other failures release the redemption and are raised too.
    """
    redemption = _locked_redemption(work)
    if redemption.state != "reserved":
        finish(work)
        db.session.commit()
        return
    coupon = db.session.get_one(Coupon, redemption.coupon_id)
    subscription_id = _stripe_id(redemption.subscription_id)
    db.session.commit()
    try:
        _apply_once(work, redemption, subscription_id, str(coupon.stripe_coupon_id))
    except (StripeRefused, StripeMisconfigured) as error:
        _release(work, error.code)
        raise
    redemption = _locked_redemption(work)
    redemptions.redeem(redemption)
    notify("discount_added", str(redemption.id))
    want(subscription_id, "subscription")
    finish(work)
    db.session.commit()


def remove(work: Work) -> None:
    """Take the discount off. Payload: ``redemption_id``, ``subscription_id`` and ``kept``, the discounts that stay."""
    redemption = _locked_redemption(work)
    subscription_id = _stripe_id(UUID(str(work.payload["subscription_id"])))
    db.session.commit()
    kept = [{"discount": str(discount_id)} for discount_id in work.payload["kept"]]
    params: SubscriptionUpdateParams = {"discounts": kept or ""}  # type: ignore[typeddict-item]  # a plain dict each
    try:
        gateway().write(lambda s: s.v1.subscriptions.update(subscription_id, params, keyed(work.key)))
    except (StripeRefused, StripeMisconfigured) as error:
        _keep(work, error)
        raise
    redemption = _locked_redemption(work)
    audit.record("coupon.removed", "coupon_redemption", str(redemption.id))
    notify("discount_removed", str(redemption.id))
    want(subscription_id, "subscription")
    finish(work)
    db.session.commit()


def _apply_once(work: Work, redemption: CouponRedemption, subscription_id: str, coupon_id: str) -> None:
    """Past the life of its key the request could be carried out twice: then Stripe is asked first."""
    if key_is_forgotten(redemption.created_at) and _has_discount(subscription_id, coupon_id):
        return
    params: SubscriptionUpdateParams = {"discounts": [{"coupon": coupon_id}]}
    gateway().write(lambda s: s.v1.subscriptions.update(subscription_id, params, keyed(work.key)))


def _has_discount(subscription_id: str, coupon_id: str) -> bool:
    expand: list[str] = ["discounts"]
    found = as_dict(gateway().read(lambda s: s.v1.subscriptions.retrieve(subscription_id, {"expand": expand})))
    return any(_coupon_of(entry) == coupon_id for entry in found["discounts"])


def _coupon_of(discount: dict[str, Any]) -> str:
    return str((discount.get("source") or {}).get("coupon"))


def _locked_redemption(work: Work) -> CouponRedemption:
    locked()
    return lookups.for_update(CouponRedemption, UUID(str(work.payload["redemption_id"])))


def _stripe_id(subscription_id: UUID | None) -> str:
    return db.session.scalars(
        select(Subscription.stripe_subscription_id).where(Subscription.id == subscription_id)
    ).one()


def _release(work: Work, error_code: str) -> None:
    db.session.rollback()
    redemption = _locked_redemption(work)
    redemption.error_code = error_code
    redemptions.release(redemption, error_code)
    finish(work)
    db.session.commit()


def _keep(work: Work, error: StripeFailure) -> None:
    """It could not be removed, for example because the subscription has ended meanwhile: it is as it was."""
    db.session.rollback()
    redemption = _locked_redemption(work)
    redemption.removal_requested_at, redemption.error_code = None, error.code
    audit.record("coupon.remove_failed", "coupon_redemption", str(redemption.id), after={"error": error.code})
    want(_stripe_id(UUID(str(work.payload["subscription_id"]))), "subscription")
    finish(work)
    db.session.commit()
