"""Trials: who may have one, on which terms, how they end, and going on after a pause."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from portal import tenancy
from portal.billing import cancellations, leased
from portal.billing.catalogue import Offer
from portal.billing.subscriptions import live_subscription
from portal.errors import Conflict, Invalid
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import gateway, keyed
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.mirror import next_invoices
from portal.mirror.customers import locked
from portal.models import Customer, Plan, Subscription
from portal.outbox import Work, finish, stage_leased
from portal.security import audit

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params import SubscriptionResumeParams


class NoTrial(Invalid):
    code = "no_trial"
    message = "This plan has no trial."
    remedy = "Nothing was started. You can choose the plan without a trial."


class TrialUsed(Conflict):
    code = "trial_used"
    message = "Your organisation has already had its trial."
    remedy = "Nothing was started. You can choose the plan without a trial."


class NotPaused(Conflict):
    code = "not_paused"
    message = "This subscription is not paused."
    remedy = "Nothing was charged. The overview shows how it stands."


class ResumeMoved(Conflict):
    """Stripe would charge another amount than was shown; ``params``: ``amount_minor`` of ``currency`` now."""

    code = "resume_amount_moved"
    message = "Going on costs another amount now."
    remedy = "Nothing was charged. Look at the new amount, then confirm it."


class MethodMissing(Conflict):
    code = "payment_method_missing"
    message = "There is no payment method yet."
    remedy = "Nothing was charged. Add a payment method first."


@dataclass(frozen=True)
class Terms:
    """A trial as it is asked of Stripe: ``method`` and ``end`` as in :class:`portal.models.Plan`; none: 0 days."""

    days: int = 0
    method: str = ""
    end: str = ""


@dataclass(frozen=True)
class Trial:
    """The bound tenant's trial, for the banner of its pages. ``is_paused``: over, and waiting for a payment method.

    ``amount_minor``: what is charged at ``ends_at`` (when it is paused: to go on), as Stripe foretells it, else the
    price without discounts and tax. ``end``: what becomes of it without a payment method, in Stripe's words.
    """

    plan_name: str
    ends_at: datetime | None
    amount_minor: int
    currency: str
    end: str
    has_method: bool
    is_paused: bool
    is_leaving: bool


NONE = Terms()


def may_have() -> bool:
    """Whether the bound tenant has not had its trial; Stripe's word that one began uses it up, whoever began it."""
    customer = db.session.get(Customer, tenancy.require_tenant())
    return customer is None or customer.trial_used_at is None


def is_offered(offer: Offer) -> bool:
    """Whether a plan has a trial at all: a free one needs none."""
    return offer.trial_days > 0 and not offer.is_free


def terms(offer: Offer) -> Terms:
    """The terms of the bound tenant's trial of a plan. Raises :class:`NoTrial`, :class:`TrialUsed`."""
    if not is_offered(offer):
        db.session.rollback()
        raise NoTrial
    if not may_have():
        db.session.rollback()
        raise TrialUsed
    return Terms(offer.trial_days, offer.trial_method, offer.trial_end)


def has_method(subscription: Subscription) -> bool:
    """Whether Stripe would have something to charge: the subscription's own payment method, or the customer's."""
    customer = db.session.get(Customer, tenancy.require_tenant())
    of_customer = customer.default_payment_method if customer else None
    return bool(subscription.default_payment_method or of_customer)


def current() -> Trial | None:
    """The bound tenant's trial while it runs or waits; one query for everybody else. Reads only our own rows."""
    row = db.session.execute(
        select(Subscription, Plan.name)
        .join(Plan, Plan.plan_id == Subscription.plan_id)
        .where(Subscription.superseded_reason.is_(None), Subscription.status.in_(("trialing", "paused")))
    ).first()
    if row is None:
        return None
    subscription: Subscription = row[0]
    return Trial(
        plan_name=row[1],
        ends_at=subscription.trial_end,
        amount_minor=subscription.next_amount_minor,
        currency=subscription.currency,
        end=subscription.trial_end_behavior,
        has_method=has_method(subscription),
        is_paused=subscription.status == "paused",
        is_leaving=cancellations.leaving(subscription) is not None,
    )


def resume(*, expected_minor: int, actor: UUID) -> Subscription:
    """Go on with the bound tenant's paused subscription from now on; its first period is charged at once.

    ``expected_minor``: what the person was shown, in minor units; Stripe is asked again before, and another amount is
    refused. It stays paused until that is paid. Returns the subscription as it was before; the mirror brings the rest.
    Raises :class:`NotPaused`, :class:`MethodMissing`, :class:`ResumeMoved`,
    :class:`portal.gateway.account.MoneyStopped`, :class:`portal.billing.leased.StillWorking`,
    :class:`portal.gateway.errors.StripeFailure`.
    """
    require_money_allowed()
    subscription = _paused()
    db.session.commit()
    _check_amount(subscription, expected_minor)
    locked()
    db.session.refresh(subscription)
    if subscription.status != "paused":
        db.session.rollback()
        raise NotPaused
    intent = uuid7()
    audited = {"amount_minor": expected_minor}
    audit.record("subscription.resume", "subscription", str(subscription.id), after=audited, actor=actor)
    work = stage_leased(
        "subscription.resume",
        f"subscription.resume:{intent}",
        tenant_id=subscription.tenant_id,
        payload={"stripe_subscription_id": subscription.stripe_subscription_id, "intent": str(intent)},
        seconds=leased.SECONDS,
    )
    db.session.commit()
    refused = leased.do_now(work, _resume)
    if refused is not None:
        raise refused
    return subscription


def _paused() -> Subscription:
    subscription = live_subscription()
    if subscription is None or subscription.status != "paused":
        db.session.rollback()
        raise NotPaused
    if not has_method(subscription):
        db.session.rollback()
        raise MethodMissing
    return subscription


def _check_amount(subscription: Subscription, expected_minor: int) -> None:
    """Stripe must still say what was shown; what it says otherwise is read again, and what it refuses too."""
    stripe_id = subscription.stripe_subscription_id
    try:
        found = next_invoices.foretold(stripe_id, is_paused=True)
    except StripeRefused:
        want(stripe_id, "subscription")
        db.session.commit()
        raise
    amount_minor = 0 if found is None else int(found["amount_due"])
    if amount_minor != expected_minor:
        next_invoices.look_again(subscription)
        db.session.commit()
        raise ResumeMoved(amount_minor=amount_minor, currency=subscription.currency)


def carry_out_resume(work: Work) -> None:
    """Outbox work behind :func:`resume`, by whoever does it. What Stripe refuses is done with, and read again.

    Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` while the effect is unknown.
    """
    _resume(work)


def _resume(work: Work) -> StripeRefused | None:
    """Returns why Stripe refused: of two at once the second finds it resumed, or waiting for its payment."""
    require_money_allowed()
    wanted = Subscription.stripe_subscription_id == str(work.payload["stripe_subscription_id"])
    subscription_id = db.session.scalars(select(Subscription.stripe_subscription_id).where(wanted)).one()
    db.session.commit()
    params: SubscriptionResumeParams = {
        "billing_cycle_anchor": {"type": "now"},
        "payment_behavior": "resume_on_payment_success",
    }
    refused: StripeRefused | None = None
    try:
        key = keyed(f"subscription.resume:{work.payload['intent']}")
        gateway().write(lambda s: s.v1.subscriptions.resume(subscription_id, params, key))
    except StripeRefused as error:
        refused = error
    want(subscription_id, "subscription")
    finish(work)
    db.session.commit()
    return refused
