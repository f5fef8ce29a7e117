"""Which coupons the bound tenant may use, the best automatic one, and reserving a redemption."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select

from portal import business_time, steps, tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.mirror import redemptions
from portal.models import Coupon, CouponRedemption, Invoice
from portal.models.coupons import CODE, TAKEN_STATES, normal_code
from portal.pricing.discounts import Terms, saved_in_a_year, taken_off
from portal.pricing.eligibility import CouponExpired, CouponRefused, CouponUsedUp, Purchase, UnknownCoupon, refusal
from portal.security import limits

# Why one was chosen that nobody had asked for.
Why = Literal["entered", "first_purchase", "offered_until", "best"]


class TooManyCodes(CouponRefused):
    """Somebody guesses; nothing is said about the code."""

    code = "too_many_coupon_codes"
    status = 429
    message = "Too many codes that we do not know. Please wait %(minutes)d min and try again."


@dataclass(frozen=True)
class Price:
    """What is bought: ``amount_minor`` per interval, in minor units of ``currency``, before the coupon."""

    plan_id: str
    interval: str
    currency: str
    amount_minor: int


@dataclass(frozen=True)
class Deal:
    """A coupon that may be used for a price. ``saving_minor``: off the plan's line of one full period."""

    coupon: Coupon
    price: Price
    saving_minor: int
    why: Why

    @property
    def terms(self) -> Terms:
        return self.coupon.terms

    @property
    def is_automatic(self) -> bool:
        return self.why != "entered"

    @property
    def first_minor(self) -> int:
        """What a full period costs with it, in minor units, before tax."""
        return self.price.amount_minor - self.saving_minor


class Desk:
    """The coupons at hand for one code, or the automatic ones for none; what must be known of them is read once.

    A redemption that a checkout of the tenant's own has reserved does not stand in its way: a new checkout ends
    the old one and takes the redemption over.
    """

    def __init__(self, code: str = "") -> None:
        """Raises :class:`UnknownCoupon` for a code that nobody has, :class:`TooManyCodes` after many of them."""
        self.code = normal_code(code)
        self._coupons = [_find(self.code)] if self.code else _automatic()
        self._now = business_time.now()
        self._has_paid = bool(self._coupons) and _has_paid_before()
        self._own_uses, self._held = _uses([coupon.id for coupon in self._coupons])
        self._left = {coupon.id: coupon.id in self._held or is_left(coupon) for coupon in self._coupons}

    def deal(self, price: Price) -> Deal | None:
        """The coupon that was asked for, else the best automatic one that fits, else ``None``.

        Raises the :class:`CouponRefused` that says why the one that was asked for may not be used.
        """
        purchase = Purchase(price.plan_id, price.currency, price.amount_minor, self._now, self._has_paid)
        if self.code:
            coupon = self._coupons[0]
            if (refused := self._refusal(coupon, purchase)) is not None:
                raise refused
            return _deal(coupon, price, "entered")
        fitting = [coupon for coupon in self._coupons if self._refusal(coupon, purchase) is None]
        best = min(fitting, key=lambda coupon: _rank(coupon, price), default=None)
        return None if best is None else _deal(best, price, _why(best))

    def _refusal(self, coupon: Coupon, purchase: Purchase) -> CouponRefused | None:
        own_uses = self._own_uses.get(coupon.id, 0)
        return refusal(coupon.rules, purchase, own_uses=own_uses, is_left=self._left[coupon.id])


def is_left(coupon: Coupon, *, is_taking: bool = False) -> bool:
    """Whether the coupon has a redemption left for anybody, those of all tenants counted.

    ``is_taking``: with its row locked until the end of the transaction, so that the answer still holds at the commit.
    """
    if coupon.max_redemptions is None:
        return True
    return bool(tenancy.execute_function("coupon_is_left", coupon.id, is_taking).scalar_one())


def reserve(
    deal: Deal,
    *,
    actor: UUID | None,
    checkout_id: UUID | None = None,
    subscription_id: UUID | None = None,
    saving_minor: int | None = None,
) -> CouponRedemption:
    """Write down that the bound tenant uses the coupon, in the current transaction; its customer row is locked.

    What another checkout of the tenant's had reserved of the same coupon goes over to this one.
    ``saving_minor``: what was promised, where it is not that of a full period. Raises :class:`CouponUsedUp` when
    others took the last one since the deal was made, :class:`CouponExpired` when it was archived. The caller rolls
    back then.
    """
    for held in _held_by_checkouts(deal.coupon.id):
        redemptions.release(held, "taken_over")
    db.session.flush()
    if not is_left(deal.coupon, is_taking=True):
        raise CouponUsedUp
    db.session.refresh(deal.coupon)
    if not deal.coupon.rules.is_offered:
        raise CouponExpired
    redemption = CouponRedemption(
        tenant_id=tenancy.require_tenant(),
        id=uuid7(),
        coupon_id=deal.coupon.id,
        checkout_id=checkout_id,
        subscription_id=subscription_id,
        plan_id=deal.price.plan_id,
        currency=deal.price.currency,
        amount_minor=deal.price.amount_minor,
        saving_minor=deal.saving_minor if saving_minor is None else saving_minor,
        is_automatic=deal.is_automatic,
        actor_id=actor,
    )
    steps.begin(redemption, "reserved")
    db.session.add(redemption)
    db.session.flush()
    return redemption


def _find(code: str) -> Coupon:
    """By its code; whoever has guessed too often is not told whether it is one."""
    tenant = str(tenancy.require_tenant())
    try:
        limits.require_left(limits.COUPON, tenant)
        return _known(code)
    except UnknownCoupon:
        limits.begin_attempt(limits.COUPON, tenant)
        raise
    except limits.TooManyAttempts as error:
        raise TooManyCodes(**error.params) from error


def _known(code: str) -> Coupon:
    found = None
    if CODE.fullmatch(code):
        found = db.session.scalars(select(Coupon).where(Coupon.code == code)).first()
    if found is None:
        raise UnknownCoupon
    return found


def _automatic() -> Sequence[Coupon]:
    return db.session.scalars(
        select(Coupon).where(Coupon.automatic, Coupon.archived_at.is_(None), Coupon.stripe_coupon_id.is_not(None))
    ).all()


def _uses(coupon_ids: Sequence[UUID]) -> tuple[Mapping[UUID, int], set[UUID]]:
    """The tenant's own uses by coupon, and the coupons of which its checkouts hold one that may go over."""
    is_held = and_(CouponRedemption.state == "reserved", CouponRedemption.checkout_id.is_not(None))
    rows = db.session.execute(
        select(CouponRedemption.coupon_id, func.count().filter(~is_held), func.count().filter(is_held))
        .where(CouponRedemption.coupon_id.in_(coupon_ids), CouponRedemption.state.in_(TAKEN_STATES))
        .group_by(CouponRedemption.coupon_id)
    ).all()
    return {row[0]: row[1] for row in rows}, {row[0] for row in rows if row[2]}


def _held_by_checkouts(coupon_id: UUID) -> Sequence[CouponRedemption]:
    return db.session.scalars(
        select(CouponRedemption)
        .where(
            CouponRedemption.coupon_id == coupon_id,
            CouponRedemption.state == "reserved",
            CouponRedemption.checkout_id.is_not(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _has_paid_before() -> bool:
    """Whether the tenant has ever paid: an invoice of nothing, as of a trial, is no purchase."""
    paid = or_(Invoice.amount_paid_minor > 0, and_(Invoice.status == "paid", Invoice.total_minor > 0))
    return bool(db.session.scalar(select(exists().where(paid))))


def _deal(coupon: Coupon, price: Price, why: Why) -> Deal:
    return Deal(coupon, price, taken_off(coupon.terms, price.amount_minor, price.currency), why)


def _rank(coupon: Coupon, price: Price) -> tuple[int, int, str]:
    """The best first: by what it saves within a year, then on the first invoice; then by its code, to be stable."""
    year = saved_in_a_year(coupon.terms, price.amount_minor, price.currency, price.interval)
    return -year, -taken_off(coupon.terms, price.amount_minor, price.currency), coupon.code


def _why(coupon: Coupon) -> Why:
    if coupon.first_time_only:
        return "first_purchase"
    return "best" if coupon.valid_until is None else "offered_until"
