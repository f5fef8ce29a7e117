"""What becomes of a reserved redemption, by what Stripe says of the checkout or the subscription it is for."""

from typing import Any

from sqlalchemy import select

from portal import clock, steps
from portal.extensions import db
from portal.findings import report
from portal.models import Checkout, CouponRedemption, Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.security import audit


def follow_session(checkout: Checkout, resource: dict[str, Any]) -> None:
    """A session that was paid redeems its coupon, one that expired releases it; the tenant's lock is held.

    A session may be complete while its payment takes days: then the subscription says how that ended.
    """
    if checkout.coupon_id is None:
        return
    if resource["status"] == "complete" and resource["payment_status"] != "unpaid":
        redeem(of(checkout))
    elif resource["status"] == "expired":
        release(of(checkout), "expired")


def follow_subscription(row: Subscription) -> None:
    """The subscription of a checkout runs, or its first payment never came."""
    if row.status not in (*LIVE_STATUSES, "incomplete_expired"):
        return
    made_it = Checkout.stripe_subscription_id == row.stripe_subscription_id
    checkout = db.session.scalars(select(Checkout).where(made_it, Checkout.coupon_id.is_not(None))).first()
    if checkout is None:
        return
    if row.status == "incomplete_expired":
        release(of(checkout), "unpaid")
    else:
        redeem(of(checkout))


def of(checkout: Checkout) -> CouponRedemption | None:
    """The redemption that the checkout reserved, locked."""
    return db.session.scalars(
        select(CouponRedemption)
        .where(CouponRedemption.checkout_id == checkout.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def redeem(redemption: CouponRedemption | None) -> None:
    """It is used for good, in the current transaction. One that we had released is, too, and staff are told."""
    if redemption is None or redemption.state == "redeemed":
        return
    if redemption.state == "released":
        report("redeemed_after_release", str(redemption.id), coupon_id=str(redemption.coupon_id))
    steps.move(redemption, "redeemed")
    redemption.redeemed_at = clock.now()
    _record("coupon.redeem", redemption)


def release(redemption: CouponRedemption | None, reason: str) -> None:
    """Somebody else may have it, in the current transaction; what is redeemed stays so. ``reason``: a code."""
    if redemption is None or redemption.state != "reserved":
        return
    steps.move(redemption, "released", reason=reason)
    _record("coupon.release", redemption, reason=reason)


def _record(verb: str, redemption: CouponRedemption, **more: str) -> None:
    after = {"coupon_id": redemption.coupon_id, "saving_minor": redemption.saving_minor, **more}
    audit.record(verb, "coupon_redemption", str(redemption.id), after=after)
