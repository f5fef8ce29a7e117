"""Subscribing: one checkout under way and one live subscription per tenant, held by the database."""

import time
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from portal import business_time, first_payments, lookups, steps, tax_terms, tenancy
from portal.billing import catalogue, checkout_sessions, coupons, customers, leased, trials
from portal.billing.subscriptions import live_subscription
from portal.errors import Conflict
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import key_is_forgotten
from portal.gateway.errors import PaymentServiceUnavailable
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.mirror import rivals
from portal.mirror.customers import locked
from portal.models import Checkout, Invoice, Subscription
from portal.outbox import Work, stage_leased
from portal.pricing.eligibility import CouponRefused
from portal.pricing.taxation import Outcome
from portal.security import audit

WAIT_SECONDS = 1.0  # a thread of the web server is held meanwhile
Step = Literal["waiting", "confirming", "processing", "active", "failed", "expired", "refunded", "ended"]


class AlreadySubscribed(Conflict):
    code = "already_subscribed"
    message = "You already have a running subscription."
    remedy = "Nothing was charged. You find it on the overview page."


class BeingConfirmed(Conflict):
    code = "checkout_being_confirmed"
    message = "Your last payment is still being confirmed."
    remedy = "Nothing more was charged. Please look at the overview page in a minute."


class CountryMissing(Conflict):
    code = "country_missing"
    message = "The tax depends on your country, which we do not know yet."
    remedy = "Enter your billing details first. Nothing was charged."


class StillPreparing(PaymentServiceUnavailable):
    """Another request of the same tenant is opening the same checkout and has not finished."""

    code = "checkout_preparing"
    message = "Your checkout is being prepared."
    remedy = "Please try again in a few seconds."


@dataclass(frozen=True)
class Progress:
    """Where a checkout stands, from our own records only."""

    step: Step
    subscription: Subscription | None = None
    invoice: Invoice | None = None

    @property
    def is_final(self) -> bool:
        """Whether waiting changes nothing any more. An active subscription waits for its invoice."""
        ended = self.step in ("processing", "failed", "expired", "refunded", "ended")  # a bank takes days
        return ended or (self.step == "active" and self.invoice is not None)


def start(
    plan_id: str, interval: str, *, actor: UUID, language: str, coupon_code: str = "", trial: bool = False
) -> Checkout:
    """Begin to subscribe the bound tenant; returns the checkout with the ``url`` to send the browser to.

    A second call for the same price and coupon returns the same checkout, also from another tab; for others the
    earlier one is ended first. While another request is still opening it, ``url`` may be ``None``. The free
    plan needs no card, and a ``trial`` only where the plan says so: such a checkout is ``complete`` at once. Without
    a ``coupon_code`` the best automatic coupon is used, if there is one; a redemption of it stays reserved until
    Stripe says how the session ended.
    Raises :class:`portal.pricing.eligibility.CouponRefused`, :class:`portal.billing.trials.NoTrial`,
    :class:`portal.billing.trials.TrialUsed`, :class:`CountryMissing`,
    :class:`portal.billing.catalogue.UnknownPlan`, :class:`AlreadySubscribed`, :class:`StillPreparing`,
    :class:`portal.gateway.account.MoneyStopped`, :class:`portal.gateway.errors.StripeFailure`.
    """
    require_money_allowed()
    offer, price = catalogue.offer(plan_id, interval)
    if price.unit_amount_minor and tax_terms.needs_country():
        raise CountryMissing
    customers.ensure_row()
    locked()
    _refuse_second(price)
    terms = trials.terms(offer) if trial else trials.NONE
    deal = _deal(price, plan_id, coupon_code)  # of a trial too: Stripe takes it off the first charge
    choice = _Choice(plan_id, price, terms, deal, tax_terms.current())
    if (under_way := _under_way()) is not None:
        if choice.is_of(under_way) and not _is_stale(under_way):
            if under_way.stripe_session_id:  # it may have ended at Stripe without telling us
                want(under_way.stripe_session_id, "checkout_session")
            db.session.commit()
            return _awaited(under_way)
        rivals.abandon(under_way)
    checkout, work = _begin(choice, actor=actor, language=language)
    db.session.commit()
    leased.do_now(work, checkout_sessions.open_session, still=StillPreparing)
    return checkout


def get(checkout_id: UUID) -> Checkout:
    """The bound tenant's checkout. Raises :class:`portal.errors.NotFound`."""
    return lookups.owned(Checkout, checkout_id)


def progress(checkout: Checkout) -> Progress:
    """Where the checkout stands now; reads only our own rows."""
    if checkout.state in ("failed", "expired"):
        return Progress(checkout.state)  # type: ignore[arg-type]  # the two literals just tested
    if checkout.state != "complete":
        return Progress("expired" if _is_stale(checkout) else "waiting")
    subscription = db.session.scalars(
        select(Subscription).where(Subscription.stripe_subscription_id == checkout.stripe_subscription_id)
    ).first()
    if subscription is None or subscription.status == "incomplete" or subscription.superseded_reason == "contested":
        return Progress("confirming", subscription)
    if subscription.superseded_reason == "duplicate":
        return Progress("refunded", subscription)
    if not subscription.is_live:
        return Progress("failed" if subscription.status == "incomplete_expired" else "ended", subscription)
    invoice = db.session.scalars(
        select(Invoice)
        .where(Invoice.stripe_subscription_id == subscription.stripe_subscription_id)
        .order_by(Invoice.created_at)
        .limit(1)
    ).first()
    awaited = first_payments.is_awaited(subscription)
    return Progress("processing" if awaited else "active", subscription, invoice)


def refresh(checkout: Checkout) -> None:
    """Ask for what the checkout made to be read again: the redirect may have beaten the webhook.

    Also of one that we hold for expired: whoever lands here says that Stripe let it be paid.
    """
    if checkout.stripe_session_id and progress(checkout).step in ("waiting", "confirming", "expired"):
        want(checkout.stripe_session_id, "checkout_session")
        db.session.commit()


def abandon(checkout_id: UUID) -> Checkout:
    """The customer came back without paying: end the checkout, here and at Stripe.

    One that was paid in the meantime stays what it is. Raises :class:`portal.errors.NotFound`.
    """
    checkout = get(checkout_id)  # first: a tenant that never began a checkout has no row to lock
    locked()
    db.session.refresh(checkout)
    if checkout.is_under_way:
        rivals.abandon(checkout)
    db.session.commit()
    return checkout


def _deal(price: catalogue.OfferedPrice, plan_id: str, coupon_code: str) -> coupons.Deal | None:
    try:
        wanted = coupons.Price(plan_id, price.interval, price.currency, price.unit_amount_minor)
        return coupons.Desk(coupon_code).deal(wanted)
    except CouponRefused:
        db.session.rollback()
        raise


@dataclass(frozen=True)
class _Choice:
    """What is to be bought: a plan's price, by a trial or with a coupon, and its tax."""

    plan_id: str
    price: catalogue.OfferedPrice
    terms: trials.Terms
    deal: coupons.Deal | None
    tax: Outcome

    def is_of(self, checkout: Checkout) -> bool:
        """Whether the checkout is of the same; the length of a trial is that of the day it was begun."""
        mine = (self.price.plan_price_id, self.coupon_id, self.terms.days > 0)
        is_same = (checkout.plan_price_id, checkout.coupon_id, checkout.trial_days > 0) == mine
        return is_same and (checkout.tax_rate_id, checkout.automatic_tax) == (self.tax_rate_id, self.tax.is_automatic)

    @property
    def tax_rate_id(self) -> UUID | None:
        return None if self.tax.rate is None else self.tax.rate.id

    @property
    def coupon_id(self) -> UUID | None:
        return None if self.deal is None else self.deal.coupon.id

    def checkout(self, actor: UUID, language: str) -> Checkout:
        """A new one of the bound tenant; everything that Stripe will be sent is frozen in it."""
        return Checkout(
            tenant_id=tenancy.require_tenant(),
            id=uuid7(),
            plan_id=self.plan_id,
            plan_price_id=self.price.plan_price_id,
            coupon_id=self.coupon_id,
            started_by=actor,
            language=language,
            trial_days=self.terms.days,
            trial_method=self.terms.method,
            trial_end=self.terms.end,
            tax_rate_id=self.tax_rate_id,
            automatic_tax=self.tax.is_automatic,
        )

    def to_audit(self) -> dict[str, Any]:
        """The choice in codes."""
        code = None if self.deal is None else self.deal.coupon.code
        told = {"plan_id": self.plan_id, "interval": self.price.interval, "coupon": code}
        return {**told, "trial_days": self.terms.days}


def _begin(choice: _Choice, *, actor: UUID, language: str) -> tuple[Checkout, Work]:
    """Write the intent down: the checkout, its coupon, and the work that this request means to do itself."""
    checkout = choice.checkout(actor, language)
    steps.begin(checkout, "preparing")
    db.session.add(checkout)
    db.session.flush()
    if choice.deal is not None:
        _reserve(choice.deal, checkout)
    work = stage_leased(
        "checkout.open",
        f"checkout.open:{checkout.id}",
        tenant_id=checkout.tenant_id,
        payload={"checkout_id": str(checkout.id)},
        seconds=leased.SECONDS,
    )
    audit.record("checkout.start", "checkout", str(checkout.id), after=choice.to_audit(), actor=actor)
    return checkout, work


def _reserve(deal: coupons.Deal, checkout: Checkout) -> None:
    """Raises what came in between, and then nothing of the checkout was written."""
    try:
        coupons.reserve(deal, actor=checkout.started_by, checkout_id=checkout.id)
    except CouponRefused:
        db.session.rollback()
        raise


def _refuse_second(price: catalogue.OfferedPrice) -> None:
    if _is_being_confirmed():
        db.session.rollback()
        raise BeingConfirmed
    live = live_subscription()
    # From a free plan one may buy a paid one: the mirror ends the free one when the paid one turns active.
    if live is not None and not (live.amount_minor == 0 and price.unit_amount_minor > 0):
        db.session.rollback()
        raise AlreadySubscribed


def _is_being_confirmed() -> bool:
    """A checkout was paid and its subscription is not settled yet: a second one would take the money twice."""
    paid = select(Checkout.stripe_subscription_id).where(Checkout.state == "complete")
    settled = select(Subscription.stripe_subscription_id).where(Subscription.status != "incomplete")
    return db.session.scalar(paid.where(Checkout.stripe_subscription_id.not_in(settled)).limit(1)) is not None


def _under_way() -> Checkout | None:
    return db.session.scalars(select(Checkout).where(Checkout.state.in_(("preparing", "open")))).first()


def _is_stale(checkout: Checkout) -> bool:
    """Past its end without an event, so that nobody can pay it any more; or never opened, so that nobody will."""
    if checkout.expires_at is not None:
        return checkout.expires_at <= business_time.now()
    return key_is_forgotten(checkout.created_at)


def _awaited(checkout: Checkout) -> Checkout:
    """The checkout, a moment later if another request is just opening it; its page goes on waiting after that."""
    until = time.monotonic() + WAIT_SECONDS
    while checkout.state == "preparing" and time.monotonic() < until:
        time.sleep(0.1)
        db.session.refresh(checkout)
        db.session.commit()
    return checkout
