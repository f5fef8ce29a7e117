"""Coupons that a request left behind on their way to Stripe, and those that staff made."""

from portal.billing import discount_work, publish_coupons
from portal.outbox import handler, periodic

handler("coupon.apply")(discount_work.apply)
handler("coupon.remove")(discount_work.remove)
handler("coupon.publish")(publish_coupons.publish)
periodic("publish_coupons", every_seconds=30)(publish_coupons.publish_missing_coupons)
