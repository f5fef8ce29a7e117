"""What is said about coupons on a running subscription."""

from uuid import UUID

from sqlalchemy import select

from portal.extensions import db
from portal.labels import coupon_phrase
from portal.models import Coupon, CouponRedemption, Notice
from portal.notices.contents.subscriptions import because_of_billing
from portal.notices.message import Button, Fact, Message, NotComposable
from portal.notices.words import address, day, gettext, money, money_with_code


def added(notice: Notice) -> Message:
    """A coupon was used: what it saves on the next invoice."""
    redemption, coupon = _rows(notice)
    title = gettext("The coupon %(code)s is active", code=coupon.code)
    return Message(
        subject=title,
        title=title,
        amount=money_with_code(redemption.saving_minor, redemption.currency),
        paragraphs=(
            gettext(
                "It takes %(amount)s off your next invoice. You have nothing more to do.",
                amount=money(redemption.saving_minor, redemption.currency),
            ),
        ),
        facts=_facts(redemption, coupon),
        button=Button(gettext("See your discount"), address("/coupons")),
        why=because_of_billing(notice),
        tone="good",
    )


def removed(notice: Notice) -> Message:
    """A coupon was taken off: the price is the plan's again."""
    redemption, coupon = _rows(notice)
    title = gettext("The coupon %(code)s was removed", code=coupon.code)
    return Message(
        subject=title,
        title=title,
        paragraphs=(gettext("Your next invoice comes without its discount. Earlier invoices stay as they are."),),
        facts=_facts(redemption, coupon),
        button=Button(gettext("Open your subscription"), address("/")),
        why=because_of_billing(notice),
    )


def _rows(notice: Notice) -> tuple[CouponRedemption, Coupon]:
    found = db.session.execute(
        select(CouponRedemption, Coupon)
        .join(Coupon, Coupon.id == CouponRedemption.coupon_id)
        .where(CouponRedemption.id == UUID(notice.object_id))
    ).one_or_none()
    if found is None:
        raise NotComposable("there is no such redemption")
    return found[0], found[1]


def _facts(redemption: CouponRedemption, coupon: Coupon) -> tuple[Fact, ...]:
    used_at = redemption.redeemed_at
    return (
        Fact(gettext("Coupon"), coupon.code),
        Fact(gettext("Discount"), coupon_phrase(coupon.terms, redemption.currency)),
        *([Fact(gettext("Used on"), day(used_at))] if used_at else []),
    )
