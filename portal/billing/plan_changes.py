"""Changing the plan, its interval or its quantity: a quote first, the same amount after."""

from contextlib import suppress
from typing import NoReturn
from uuid import UUID

from sqlalchemy import select

from portal import clock, lookups, steps
from portal.billing import leased, plan_change_work, plan_quotes
from portal.billing import plan_change_errors as errors
from portal.billing.catalogue import UnknownPlan
from portal.billing.plan_change_offers import (
    QUOTE_MINUTES,
    Wanted,
    changeable,
    make,
    read,
    still_valid,
    under_way,
    wanted_of,
)
from portal.errors import Conflict, DomainError
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.gateway.inbox import want
from portal.mirror.customers import locked
from portal.models import PlanChange, PlanPrice, Subscription
from portal.outbox import Work, stage_leased
from portal.security import audit

__all__ = ["cancel", "confirm", "get", "is_valid", "quote", "refresh", "under_way"]


def quote(plan_id: str, interval: str, quantity: str | int, *, actor: UUID | None) -> PlanChange:
    """What it costs to change the bound tenant's subscription, today and from then on; nothing is changed.

    An offer for the same that has not run out is given again. Raises
    :class:`portal.billing.catalogue.UnknownPlan`, those of :mod:`portal.billing.plan_change_errors`,
    :class:`portal.gateway.errors.StripeFailure`.
    """
    subscription = changeable()
    wanted = wanted_of(subscription, plan_id, interval, quantity)
    if (found := still_valid(subscription, wanted)) is not None:
        db.session.commit()
        return found
    return make(subscription, wanted, actor)


def confirm(change_id: UUID, *, actor: UUID) -> PlanChange:
    """Carry out what was quoted, if it still costs the same to the minor unit.

    Asked twice, it happens once: the change is returned as it stands (``confirmed`` while Stripe's word is awaited).
    Raises :class:`errors.QuoteExpired` or :class:`errors.QuoteMoved`, whose ``replacement`` is a new quote's id; for
    what cannot be changed any more as :func:`quote` does; :class:`portal.errors.NotFound`;
    :class:`portal.gateway.account.MoneyStopped`.
    """
    require_money_allowed()
    change = get(change_id)
    if change.state != "quoted":
        db.session.commit()
        return _as_it_stands(change)
    try:
        _check_again(change, actor)
    except DomainError:
        if not _was_confirmed(change_id):
            raise
    change = _locked(change_id)
    if change.state != "quoted":  # the other tab was faster
        db.session.commit()
        return _as_it_stands(change)
    if under_way() is not None:
        db.session.rollback()
        raise errors.ChangeUnderWay
    work = _confirmed(change, actor)
    db.session.commit()
    return _done(work, change)


def cancel(change_id: UUID, *, actor: UUID) -> PlanChange:
    """Take back a change that has not come yet: the scheduled one, or the one that waits for its payment.

    Returns it as it stands then: ``applied`` when it came first. Raises :class:`portal.errors.NotFound`.
    """
    change = get(change_id)
    locked()
    db.session.refresh(change)
    if change.state not in ("scheduled", "awaiting_payment") or change.cancel_requested_at is not None:
        db.session.commit()
        return change
    change.cancel_requested_at = clock.now()
    work = _staged(change, "plan_change.cancel", f":{change.cancel_requested_at.timestamp():.6f}")  # each press anew
    audit.record("plan_change.cancel", "plan_change", str(change.id), before={"state": change.state}, actor=actor)
    db.session.commit()
    return _done(work, change)


def get(change_id: UUID) -> PlanChange:
    """The bound tenant's change. Raises :class:`portal.errors.NotFound`."""
    return lookups.owned(PlanChange, change_id)


def is_valid(change: PlanChange) -> bool:
    """Whether a quote can still be confirmed; its lifetime is real time, for a person looks at it."""
    return change.state == "quoted" and change.expires_at > clock.now()


def refresh(change: PlanChange) -> None:
    """Ask for what a change waits for to be read again: whoever looks may have paid it a moment ago."""
    if change.state == "awaiting_payment":
        subscription = db.session.get_one(Subscription, (change.tenant_id, change.subscription_id))
        want(subscription.stripe_subscription_id, "subscription")
        db.session.commit()


def _check_again(change: PlanChange, actor: UUID) -> None:
    """The quote must not have run out, and Stripe must still say the same of every amount."""
    try:
        subscription = changeable()
        price = db.session.get_one(PlanPrice, change.plan_price_id)
        wanted = wanted_of(subscription, change.plan_id, price.interval, change.quantity)
    except (Conflict, UnknownPlan, errors.NothingChanges) as error:
        db.session.rollback()
        _expire(change, error.code)
        raise
    is_same = (subscription.id, subscription.plan_price_id, subscription.quantity, wanted.price.plan_price_id) == (
        change.subscription_id, change.from_plan_price_id, change.from_quantity, change.plan_price_id,
    )  # fmt: skip
    if change.expires_at <= clock.now():
        _replace(change, subscription, wanted, actor, errors.QuoteExpired)
    if not is_same:
        _replace(change, subscription, wanted, actor, errors.QuoteMoved)
    asked = plan_quotes.asked_of(change)
    db.session.commit()
    try:
        if plan_quotes.period_of_item(read(subscription)[0]) != asked.whole:  # it was renewed
            _replace(change, subscription, wanted, actor, errors.QuoteMoved)
        priced = plan_quotes.price(asked)
    except errors.SubscriptionMoved as error:
        _expire(change, error.code)
        raise
    except StripeRefused:
        _replace(change, subscription, wanted, actor, errors.QuoteMoved)
    if priced.figures() != change.quote["figures"]:
        _replace(change, subscription, wanted, actor, errors.QuoteMoved)


def _replace(
    change: PlanChange, subscription: Subscription, wanted: Wanted, actor: UUID, reason: type[DomainError]
) -> NoReturn:
    """Put a new quote in the place of one that does not hold, and say so."""
    try:
        new = make(subscription, wanted, actor)
    except errors.SubscriptionMoved as error:
        _expire(change, error.code)
        raise
    _expire(change, reason.code, new.id)
    raise reason(replacement=new.id, minutes=QUOTE_MINUTES)


def _expire(change: PlanChange, reason: str, replacement: UUID | None = None) -> None:
    row = _locked(change.id)
    if row.state == "quoted":
        steps.move(row, "expired", reason=reason)
        row.closed_at = clock.now()
        row.replaced_by = replacement
    db.session.commit()


def _was_confirmed(change_id: UUID) -> bool:
    """Whether another tab has meanwhile done what is refused here only for that."""
    db.session.rollback()
    return db.session.scalar(select(PlanChange.confirmed_at).where(PlanChange.id == change_id)) is not None


def _as_it_stands(change: PlanChange) -> PlanChange:
    """What was confirmed before; a quote that was replaced leads to the newer one."""
    if change.state == "expired" and change.confirmed_at is None:
        raise errors.QuoteExpired(replacement=change.replaced_by, minutes=QUOTE_MINUTES)
    return change


def _locked(change_id: UUID) -> PlanChange:
    locked()
    return lookups.for_update(PlanChange, change_id)


def _confirmed(change: PlanChange, actor: UUID) -> Work:
    """Write the intent down: from here on it happens, by this request or by a worker."""
    steps.move(change, "confirmed")
    change.confirmed_by, change.confirmed_at = actor, clock.now()
    work = _staged(change, "plan_change.perform")
    quoted = {"plan_id": change.plan_id, "quantity": change.quantity, "timing": change.timing}
    audit.record(
        "plan_change.confirm",
        "plan_change",
        str(change.id),
        before={"plan_id": change.from_plan_id, "quantity": change.from_quantity},
        after={**quoted, "due_minor": change.due_minor, "currency": change.currency},
        actor=actor,
    )
    return work


def _staged(change: PlanChange, kind: str, press: str = "") -> Work:
    return stage_leased(
        kind,
        f"{kind}:{change.id}{press}",
        tenant_id=change.tenant_id,
        payload={"plan_change_id": str(change.id)},
        seconds=leased.SECONDS,
    )


def _done(work: Work, change: PlanChange) -> PlanChange:
    """Do it now. What stays unknown is asked again by a worker with the same keys; the page waits for that."""
    with suppress(PaymentServiceUnavailable):
        leased.do_now(work, plan_change_work.HANDLERS[work.kind])
    db.session.refresh(change)
    db.session.commit()
    return change
