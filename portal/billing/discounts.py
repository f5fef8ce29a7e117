"""Coupons on the running subscription: what one would save, using it, what runs now, taking it off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from sqlalchemy import select

from portal import clock, lookups
from portal.billing import coupons, discount_work, leased
from portal.billing.plan_change_offers import under_way
from portal.billing.subscriptions import live_subscription
from portal.errors import Conflict
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.mirror.customers import locked
from portal.models import Coupon, CouponRedemption, Subscription
from portal.outbox import Work, stage_leased
from portal.pricing.discounts import Terms, invoices_discounted, taken_off
from portal.pricing.eligibility import CouponRefused, UnknownCoupon
from portal.pricing.renewals import Period, renewals, renewals_before
from portal.security import audit

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params import InvoiceCreatePreviewParams

INVOICES_SHOWN = 3


class NoSubscription(Conflict):
    code = "no_subscription"
    message = "You have no running subscription that a coupon could be used on."
    remedy = "Choose a plan; the coupon can be entered there."


class DiscountRunning(Conflict):
    """One coupon at a time: two would be added up in an order that nobody could foresee."""

    code = "discount_running"
    message = "A discount is running already, and coupons cannot be combined."
    remedy = "Remove it first, or use this coupon when it has ended."


class NoFurtherInvoice(Conflict):
    code = "no_further_invoice"
    message = "No further invoice is coming, so there is nothing to save on."
    remedy = "The coupon stays unused."


class PlanIsChanging(Conflict):
    """Used now, a coupon would be reckoned on the plan that is being left."""

    code = "plan_is_changing"
    message = "Your plan is about to change."
    remedy = "Take the change back first, or use this coupon when it has come."


class SavingChanged(Conflict):
    """What the next invoice would save is no longer what was shown; nothing was changed."""

    code = "saving_changed"
    message = "The saving has changed since it was shown to you."
    remedy = "Look at the new amounts and confirm again. Nothing was changed."


class BeingChanged(PaymentServiceUnavailable):
    code = "discount_being_changed"
    message = "Your discount is being changed right now."
    remedy = "Please look again in a few seconds."


@dataclass(frozen=True)
class FutureInvoice:
    """What an invoice to come saves: of the next one by Stripe's preview, of later ones on the plan's line."""

    at: datetime
    saving_minor: int


@dataclass(frozen=True)
class Quote:
    """What a coupon would save on the running subscription. Minor units; ``before`` and ``total`` with tax.

    ``invoices``: the next ones, also those on which it saves nothing any more.
    """

    deal: coupons.Deal
    before_minor: int
    saving_minor: int
    total_minor: int
    invoices: tuple[FutureInvoice, ...]

    @property
    def currency(self) -> str:
        return self.deal.price.currency


@dataclass(frozen=True)
class Running:
    """A discount on the running subscription: ``invoices_left`` is ``None`` for one without end.

    ``redemption``: how the tenant came by it, ``None`` when somebody gave it at Stripe. ``state``: "adding" and
    "removing" until Stripe has been read again.
    """

    name: str
    code: str | None
    terms: Terms
    currency: str
    ends_at: datetime | None
    invoices_left: int | None
    redemption: CouponRedemption | None
    state: Literal["adding", "running", "removing"] = "running"


def running(subscription: Subscription) -> list[Running]:
    """The discounts that the subscription's next invoice will have, and one that is just being added."""
    rows = [_running(entry, subscription) for entry in subscription.discounts]
    return [row for row in rows if row.invoices_left != 0] or _just_added(subscription)


def quote(code: str) -> Quote:
    """What the coupon would save, asked of Stripe; ends the transaction. Writes nothing.

    Raises :class:`CouponRefused`, :class:`NoSubscription`, :class:`PlanIsChanging`, :class:`DiscountRunning`,
    :class:`NoFurtherInvoice`, :class:`portal.gateway.errors.StripeFailure`.
    """
    subscription = _open_to_coupons()
    deal = coupons.Desk(code).deal(_price(subscription))
    db.session.commit()
    if deal is None:  # an empty code, and automatic ones are for checkouts
        raise UnknownCoupon
    before, after = _preview(subscription, None), _preview(subscription, deal.coupon)
    saving = sum(entry["amount"] for entry in after["total_discount_amounts"] or [])
    return Quote(deal, before["total"], saving, after["total"], _invoices(subscription, deal, saving))


def apply(code: str, *, actor: UUID, shown_saving_minor: int | None = None) -> CouponRedemption:
    """Use the coupon on the running subscription; from its next invoice on. Commits.

    ``shown_saving_minor``: what the person saw; another saving than that is refused. Raises what :func:`quote`
    raises, :class:`SavingChanged`, and :class:`BeingChanged` while somebody else does the same; after
    :class:`PaymentServiceUnavailable` a worker asks again with the same key.
    """
    quoted = quote(code)
    if shown_saving_minor not in (None, quoted.saving_minor):
        raise SavingChanged
    locked()
    try:
        redemption, work = _reserve(quoted, actor)
    except (CouponRefused, Conflict):
        db.session.rollback()
        raise
    db.session.commit()
    leased.do_now(work, discount_work.apply, still=BeingChanged)
    return redemption


def remove(redemption_id: UUID, *, actor: UUID) -> CouponRedemption:
    """Take a coupon's discount off the running subscription; the redemption stays used. Commits.

    A second call does nothing. Raises :class:`NotFound`, :class:`BeingChanged`, and as :func:`apply`.
    """
    redemption = _redemption(redemption_id)
    locked()
    db.session.refresh(redemption)
    subscription = live_subscription()
    if subscription is None:
        db.session.rollback()
        raise NoSubscription
    mine = [row for row in running(subscription) if row.redemption and row.redemption.id == redemption_id]
    if redemption.removal_requested_at is not None or not mine:  # removed, or ended by itself
        db.session.commit()
        return redemption
    work = _intend_removal(redemption, subscription, actor)
    db.session.commit()
    leased.do_now(work, discount_work.remove, still=BeingChanged)
    return redemption


def _open_to_coupons() -> Subscription:
    subscription = live_subscription()
    if subscription is None:
        raise NoSubscription
    if under_way() is not None or subscription.scheduled_at is not None:
        raise PlanIsChanging
    if running(subscription):
        raise DiscountRunning
    return subscription


def _reserve(quoted: Quote, actor: UUID) -> tuple[CouponRedemption, Work]:
    """The intent; what was checked before is checked again under the tenant's lock."""
    subscription = _open_to_coupons()
    db.session.refresh(subscription)
    deal = coupons.Desk(quoted.deal.coupon.code).deal(_price(subscription))
    if deal is None or deal.price != quoted.deal.price:
        raise SavingChanged
    redemption = coupons.reserve(deal, actor=actor, subscription_id=subscription.id, saving_minor=quoted.saving_minor)
    after = {"coupon": deal.coupon.code, "saving_minor": quoted.saving_minor, "currency": quoted.currency}
    return redemption, _stage("coupon.apply", redemption, after, actor)


def _intend_removal(redemption: CouponRedemption, subscription: Subscription, actor: UUID) -> Work:
    """What else runs is kept; which that is, is frozen with the intent."""
    coupon = db.session.get_one(Coupon, redemption.coupon_id)
    kept = [each["id"] for each in subscription.discounts if each["stripe_coupon_id"] != coupon.stripe_coupon_id]
    redemption.removal_requested_at = clock.now()
    after = {"coupon": coupon.code}
    return _stage("coupon.remove", redemption, after, actor, subscription=subscription, kept=kept)


def _stage(
    kind: str, redemption: CouponRedemption, after: dict[str, Any], actor: UUID, *,
    subscription: Subscription | None = None, kept: Sequence[str] = (),
) -> Work:  # fmt: skip
    payload: dict[str, Any] = {"redemption_id": str(redemption.id)}
    if subscription is not None:
        payload |= {"subscription_id": str(subscription.id), "kept": list(kept)}
    audit.record(kind, "coupon_redemption", str(redemption.id), after=after, actor=actor)
    asked_at = redemption.removal_requested_at  # a removal that failed may be asked for again
    key = f"{kind}:{redemption.id}" + (f":{asked_at.timestamp():.0f}" if asked_at else "")
    return stage_leased(kind, key, tenant_id=redemption.tenant_id, payload=payload, seconds=leased.SECONDS)


def _redemption(redemption_id: UUID) -> CouponRedemption:
    redeemed = CouponRedemption.id == redemption_id, CouponRedemption.state == "redeemed"
    return lookups.one(select(CouponRedemption).where(*redeemed))


def _price(subscription: Subscription) -> coupons.Price:
    return coupons.Price(subscription.plan_id, subscription.interval, subscription.currency, subscription.amount_minor)


def _preview(subscription: Subscription, coupon: Coupon | None) -> dict[str, Any]:
    """The subscription's next invoice, with the coupon or as it would come now."""
    params: InvoiceCreatePreviewParams = {"subscription": subscription.stripe_subscription_id}
    if coupon is not None:
        params["discounts"] = [{"coupon": str(coupon.stripe_coupon_id)}]
    try:
        return as_dict(gateway().read(lambda s: s.v1.invoices.create_preview(params)))
    except StripeRefused as error:
        if error.params.get("stripe_code") == "invoice_upcoming_none":
            raise NoFurtherInvoice from error
        raise


def _period(subscription: Subscription) -> Period:
    """The current one; a trial ends when its period does."""
    now = subscription.synced_at
    return Period(subscription.current_period_start or now, subscription.current_period_end or now)


def _invoices(subscription: Subscription, deal: coupons.Deal, saving_minor: int) -> tuple[FutureInvoice, ...]:
    """The next invoices: the first as Stripe said, the others as far as the coupon reaches, on the plan's line."""
    moments = list(islice(renewals(_period(subscription), subscription.interval), INVOICES_SHOWN))
    later = taken_off(deal.terms, deal.price.amount_minor, deal.price.currency)
    reach = _reach(deal.terms, subscription.interval)
    savings = [saving_minor, *[later if number < reach else 0 for number in range(1, len(moments))]]
    return tuple(FutureInvoice(at, saving) for at, saving in zip(moments, savings, strict=True))


def _reach(terms: Terms, interval: str) -> int:
    """How many of the coming invoices it takes part in, when it is used today, within a period."""
    return invoices_discounted(terms, interval, within_months=12 * INVOICES_SHOWN)


def _running(entry: dict[str, Any], subscription: Subscription) -> Running:
    ends_at = None if entry["ends_at"] is None else datetime.fromisoformat(entry["ends_at"])
    coupon = db.session.scalars(select(Coupon).where(Coupon.stripe_coupon_id == entry["stripe_coupon_id"])).first()
    redemption = None if coupon is None else _newest(coupon)
    removing = redemption is not None and redemption.removal_requested_at is not None
    return Running(
        name=entry["name"],
        code=None if coupon is None else coupon.code,
        terms=_terms(entry) if coupon is None else coupon.terms,
        currency=subscription.currency,
        ends_at=ends_at,
        invoices_left=_left(entry["duration"], ends_at, subscription),
        redemption=redemption,
        state="removing" if removing else "running",
    )


def _just_added(subscription: Subscription) -> list[Running]:
    """Used on this subscription since Stripe was read last: its page must not offer a second one meanwhile."""
    redemption = db.session.scalars(
        select(CouponRedemption)
        .where(CouponRedemption.subscription_id == subscription.id, CouponRedemption.state != "released")
        .order_by(CouponRedemption.id.desc())
        .limit(1)
    ).first()
    if redemption is None or (redemption.redeemed_at is not None and redemption.redeemed_at <= subscription.synced_at):
        return []
    coupon = db.session.get_one(Coupon, redemption.coupon_id)
    return [Running(coupon.name, coupon.code, coupon.terms, subscription.currency, None, None, redemption, "adding")]


def _newest(coupon: Coupon) -> CouponRedemption | None:
    return db.session.scalars(
        select(CouponRedemption)
        .where(CouponRedemption.coupon_id == coupon.id, CouponRedemption.state == "redeemed")
        .order_by(CouponRedemption.id.desc())
        .limit(1)
    ).first()


def _left(duration: str, ends_at: datetime | None, subscription: Subscription) -> int | None:
    if duration == "once":
        return 1
    return None if ends_at is None else renewals_before(_period(subscription), subscription.interval, ends_at)


def _terms(entry: dict[str, Any]) -> Terms:
    """Of a coupon that is not ours, as far as its discount tells."""
    if entry["percent_off"] is not None:
        return Terms(entry["duration"], None, Decimal(entry["percent_off"]))
    return Terms(entry["duration"], None, None, {entry["currency"]: entry["amount_off_minor"] or 0})
