"""Changing the plan, its interval or its quantity: a quote first, the same amount after."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import select

from portal import business_time, clock, steps, tenancy
from portal.billing import catalogue, plan_change_work, plan_quotes
from portal.billing import plan_change_errors as errors
from portal.billing.catalogue import OfferedPrice, UnknownPlan
from portal.billing.plan_quotes import Asked, Priced
from portal.billing.subscriptions import live_subscription, plan_of
from portal.errors import Conflict, DomainError, NotFound
from portal.extensions import db
from portal.findings import report
from portal.gateway.account import require_money_allowed
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.mirror import subscriptions as mirrored
from portal.mirror.customers import locked
from portal.models import Plan, PlanChange, PlanPrice, Subscription
from portal.models.plan_changes import UNDER_WAY
from portal.outbox import LeaseLost, Work, release, stage_leased
from portal.pricing.comparing import direction
from portal.security import audit

QUOTE_MINUTES = 15
LEASE_SECONDS = 60  # four calls of 15 s


@dataclass(frozen=True)
class _Wanted:
    plan: Plan
    price: OfferedPrice
    quantity: int


def quote(plan_id: str, interval: str, quantity: str | int, *, actor: UUID | None) -> PlanChange:
    """What it costs to change the bound tenant's subscription, today and from then on; nothing is changed.

    An offer for the same that has not run out is given again. Raises
    :class:`portal.billing.catalogue.UnknownPlan`, those of :mod:`portal.billing.plan_change_errors`,
    :class:`portal.gateway.errors.StripeFailure`.
    """
    subscription = _changeable()
    wanted = _wanted(subscription, plan_id, interval, quantity)
    if (found := _still_valid(subscription, wanted)) is not None:
        db.session.commit()
        return found
    return _quoted(subscription, wanted, actor)


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
    _check_again(change, actor)
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
    work = _staged(change, "plan_change.cancel")
    audit.record("plan_change.cancel", "plan_change", str(change.id), before={"state": change.state}, actor=actor)
    db.session.commit()
    return _done(work, change)


def get(change_id: UUID) -> PlanChange:
    """The bound tenant's change. Raises :class:`portal.errors.NotFound`."""
    found = db.session.scalars(select(PlanChange).where(PlanChange.id == change_id)).first()
    if found is None:
        raise NotFound
    return found


def under_way() -> PlanChange | None:
    """The bound tenant's change that was confirmed and is not over."""
    return db.session.scalars(select(PlanChange).where(PlanChange.state.in_(UNDER_WAY))).first()


def is_valid(change: PlanChange) -> bool:
    """Whether a quote can still be confirmed; its lifetime is real time, for a person looks at it."""
    return change.state == "quoted" and change.expires_at > clock.now()


def refresh(change: PlanChange) -> None:
    """Ask for what a change waits for to be read again: whoever looks may have paid it a moment ago."""
    if change.state == "awaiting_payment":
        subscription = db.session.get_one(Subscription, (change.tenant_id, change.subscription_id))
        want(subscription.stripe_subscription_id, "subscription")
        db.session.commit()


def _changeable() -> Subscription:
    """The running subscription, if its plan may be changed now."""
    subscription = live_subscription()
    if subscription is None:
        raise errors.NotSubscribed
    if subscription.status in ("past_due", "unpaid"):
        raise errors.PaymentOverdue
    if subscription.status == "paused":
        raise errors.SubscriptionPaused
    if subscription.cancel_at is not None or subscription.cancel_at_period_end:
        raise errors.SubscriptionEnding
    if under_way() is not None or subscription.pending_until is not None or subscription.scheduled_at is not None:
        raise errors.ChangeUnderWay
    return subscription


def _wanted(subscription: Subscription, plan_id: str, interval: str, quantity: str | int) -> _Wanted:
    offer, price = catalogue.offer(plan_id, interval)
    plan = db.session.get_one(Plan, offer.plan_id)
    count = _quantity(quantity, plan.max_quantity)
    if price.currency != subscription.currency:
        raise errors.OtherCurrency(billed=subscription.currency.upper(), sold=price.currency.upper())
    if (price.plan_price_id, count) == (subscription.plan_price_id, subscription.quantity):
        raise errors.NothingChanges
    if subscription.amount_minor == 0 and price.unit_amount_minor > 0:
        raise errors.GoesToCheckout
    return _Wanted(plan, price, count)


def _quantity(given: str | int, largest: int) -> int:
    try:
        count = int(str(given).strip()[:20])
    except ValueError:
        raise errors.QuantityNotANumber from None
    if count < 1:
        raise errors.QuantityTooSmall
    if count > largest:
        raise errors.QuantityTooLarge(largest=largest)
    return count


def _still_valid(subscription: Subscription, wanted: _Wanted) -> PlanChange | None:
    """An earlier offer of the same: the back button and a reload do not make new ones."""
    return db.session.scalars(
        select(PlanChange)
        .where(
            PlanChange.state == "quoted",
            PlanChange.expires_at > clock.now(),
            PlanChange.subscription_id == subscription.id,
            PlanChange.from_plan_price_id == subscription.plan_price_id,
            PlanChange.from_quantity == subscription.quantity,
            PlanChange.plan_price_id == wanted.price.plan_price_id,
            PlanChange.quantity == wanted.quantity,
            # Of the period under way: a renewal in between is another starting point.
            PlanChange.created_at > subscription.current_period_start,
        )
        .order_by(PlanChange.id.desc())
        .limit(1)
    ).first()


def _quoted(subscription: Subscription, wanted: _Wanted, actor: UUID | None) -> PlanChange:
    kind = direction(
        subscription.amount_minor,
        subscription.interval,
        wanted.price.unit_amount_minor * wanted.quantity,
        wanted.price.interval,
    )
    present = plan_of(subscription)
    timing = "trial" if subscription.status == "trialing" else _timing(present, kind)
    asked_at = business_time.now().replace(microsecond=0)
    db.session.commit()
    item = _read_item(subscription)
    whole = (_moment(item["current_period_start"]), _moment(item["current_period_end"]))
    asked = Asked(
        subscription_id=subscription.stripe_subscription_id,
        item_id=item["id"],
        price_id=wanted.price.stripe_price_id,
        quantity=wanted.quantity,
        timing=timing,
        changes_interval=kind == "interval",
        proration_at=min(max(asked_at, whole[0]), whole[1] - timedelta(seconds=1)) if timing == "now" else None,
        currency=subscription.currency,
        product=str(present.stripe_product_id),
        plan_id=present.plan_id,
        is_free=wanted.price.unit_amount_minor == 0,
        whole=whole,
    )
    asked, priced = _priced(asked)
    return _store(subscription, wanted, kind, asked, priced, actor)


def _timing(present: Plan, kind: str) -> str:
    """When the change takes place, by the policy of the plan that the tenant has."""
    return {
        "upgrade": present.upgrade_at,
        "downgrade": present.downgrade_at,
        "interval": present.interval_change_at,
    }[kind]


def _read_item(subscription: Subscription) -> dict[str, Any]:
    """The item that is the plan, as Stripe has it now; it must be what our record says."""
    resource = mirrored.fetch(subscription.stripe_subscription_id)
    price = db.session.get_one(PlanPrice, subscription.plan_price_id).stripe_price_id
    db.session.commit()
    items: list[dict[str, Any]] = resource["items"]["data"]
    item = next((item for item in items if item["price"]["id"] == price), None)
    same = item is not None and (item.get("quantity") or 1) == subscription.quantity
    if item is None or not same or resource["status"] != subscription.status or resource["pending_update"]:
        want(subscription.stripe_subscription_id, "subscription")
        db.session.commit()
        raise errors.SubscriptionMoved
    return item


def _priced(asked: Asked) -> tuple[Asked, Priced]:
    try:
        if asked.resets_anchor:
            asked = replace(asked, credit_minor=plan_quotes.unused_minor(asked))
        return asked, plan_quotes.price(asked)
    except StripeRefused as error:
        want(asked.subscription_id, "subscription")
        db.session.commit()
        raise errors.SubscriptionMoved(reason=error.params.get("detail")) from error


def _store(
    subscription: Subscription, wanted: _Wanted, kind: str, asked: Asked, priced: Priced, actor: UUID | None
) -> PlanChange:
    locked()
    today = plan_quotes.shown(priced.today, asked) if priced.today else None
    following = plan_quotes.shown(priced.following, asked)
    now = business_time.now()
    effective_at = asked.whole[1] if asked.timing == "period_end" else asked.proration_at or now
    change = PlanChange(
        tenant_id=tenancy.require_tenant(),
        id=uuid7(),
        subscription_id=subscription.id,
        stripe_item_id=asked.item_id,
        from_plan_id=subscription.plan_id,
        from_plan_price_id=subscription.plan_price_id,
        from_quantity=subscription.quantity,
        plan_id=wanted.plan.plan_id,
        plan_price_id=wanted.price.plan_price_id,
        quantity=wanted.quantity,
        direction=kind,
        timing=asked.timing,
        effective_at=effective_at,
        proration_at=asked.proration_at,
        currency=asked.currency,
        credit_minor=asked.credit_minor,
        due_minor=today["amount_due_minor"] if today else 0,
        next_minor=max(following["total_minor"], 0),
        next_at=_next_at(asked, priced),
        quote={"today": today, "next": following, "figures": priced.figures(), "whole": _stamps(asked.whole)},
        expires_at=clock.now() + timedelta(minutes=QUOTE_MINUTES),
        started_by=actor,
    )
    steps.begin(change, "quoted")
    db.session.add(change)
    db.session.flush()
    _report_unexplained(change)
    db.session.commit()
    return change


def _next_at(asked: Asked, priced: Priced) -> datetime:
    if asked.resets_anchor and priced.today is not None:
        return plan_quotes.next_end(priced.today, asked.price_id) or asked.whole[1]
    return asked.whole[1]


def _report_unexplained(change: PlanChange) -> None:
    for name in ("today", "next"):
        for number, line in enumerate((change.quote[name] or {}).get("lines", ())):
            if line["explanation"] is None:
                report("unexplained_line", f"{change.id}:{name}:{number}", amount_minor=line["amount_minor"])


def _check_again(change: PlanChange, actor: UUID) -> None:
    """The quote must not have run out, and Stripe must still say the same of every amount."""
    try:
        subscription = _changeable()
        price = db.session.get_one(PlanPrice, change.plan_price_id)
        wanted = _wanted(subscription, change.plan_id, price.interval, change.quantity)
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
    asked = plan_change_work.asked_of(change)
    db.session.commit()
    try:
        _read_item(subscription)
        priced = plan_quotes.price(asked)
    except errors.SubscriptionMoved as error:
        _expire(change, error.code)
        raise
    except StripeRefused:
        _replace(change, subscription, wanted, actor, errors.QuoteMoved)
    if priced.figures() != change.quote["figures"]:
        _replace(change, subscription, wanted, actor, errors.QuoteMoved)


def _replace(
    change: PlanChange, subscription: Subscription, wanted: _Wanted, actor: UUID, reason: type[DomainError]
) -> NoReturn:
    """Put a new quote in the place of one that does not hold, and say so."""
    try:
        new = _quoted(subscription, wanted, actor)
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


def _as_it_stands(change: PlanChange) -> PlanChange:
    """What was confirmed before; a quote that was replaced leads to the newer one."""
    if change.state == "expired" and change.confirmed_at is None:
        raise errors.QuoteExpired(replacement=change.replaced_by, minutes=QUOTE_MINUTES)
    return change


def _locked(change_id: UUID) -> PlanChange:
    locked()
    return db.session.scalars(
        select(PlanChange).where(PlanChange.id == change_id).with_for_update().execution_options(populate_existing=True)
    ).one()


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


def _staged(change: PlanChange, kind: str) -> Work:
    return stage_leased(
        kind,
        f"{kind}:{change.id}",
        tenant_id=change.tenant_id,
        payload={"plan_change_id": str(change.id)},
        seconds=LEASE_SECONDS,
    )


def _done(work: Work, change: PlanChange) -> PlanChange:
    """Do it now. What stays unknown is asked again by a worker with the same keys; the page waits for that."""
    try:
        plan_change_work.HANDLERS[work.kind](work)
    except LeaseLost:
        db.session.rollback()
    except PaymentServiceUnavailable as error:
        db.session.rollback()
        release(work, str(error))
        db.session.commit()
    db.session.refresh(change)
    db.session.commit()
    return change


def _moment(seconds: int) -> datetime:
    found = clock.from_timestamp(seconds)
    assert found is not None  # noqa: S101  (only None becomes None)
    return found


def _stamps(period: tuple[datetime, datetime]) -> list[int]:
    return [int(moment.timestamp()) for moment in period]
