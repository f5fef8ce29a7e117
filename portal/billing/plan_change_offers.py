"""Offers of a change of plan: what is asked for is checked, priced by Stripe and kept for a quarter of an hour."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import business_time, clock, steps, tenancy
from portal.billing import catalogue, plan_quotes, trials
from portal.billing import plan_change_errors as errors
from portal.billing.catalogue import OfferedPrice
from portal.billing.plan_quotes import Asked, Priced
from portal.billing.subscriptions import live_subscription, plan_of
from portal.extensions import db
from portal.findings import report
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.mirror import subscriptions as mirrored
from portal.mirror.customers import locked
from portal.models import Plan, PlanChange, PlanPrice, Subscription
from portal.models.plan_changes import UNDER_WAY
from portal.pricing.comparing import direction

QUOTE_MINUTES = 15


@dataclass(frozen=True)
class Wanted:
    """What a subscription is to become: a plan on sale, its price for an interval, a quantity."""

    plan: Plan
    price: OfferedPrice
    quantity: int

    @property
    def is_free(self) -> bool:
        return self.price.unit_amount_minor == 0


def under_way() -> PlanChange | None:
    """The bound tenant's change that was confirmed and is not over."""
    return db.session.scalars(select(PlanChange).where(PlanChange.state.in_(UNDER_WAY))).first()


def changeable() -> Subscription:
    """The bound tenant's running subscription. Raises why its plan may not be changed now."""
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


def wanted_of(subscription: Subscription, plan_id: str, interval: str, quantity: str | int) -> Wanted:
    """What is asked for, checked. Raises :class:`portal.billing.catalogue.UnknownPlan`, and why it makes no sense."""
    offer, price = catalogue.offer(plan_id, interval)
    plan = db.session.get_one(Plan, offer.plan_id)
    count = _quantity(quantity, plan.max_quantity)
    if price.currency != subscription.currency:
        raise errors.OtherCurrency(billed=subscription.currency.upper(), sold=price.currency.upper())
    if (price.plan_price_id, count) == (subscription.plan_price_id, subscription.quantity):
        raise errors.NothingChanges
    if subscription.status == "trialing" and price.unit_amount_minor > 0:
        _require_method(subscription, plan)
    if subscription.amount_minor == 0 and price.unit_amount_minor > 0:
        raise errors.GoesToCheckout
    return Wanted(plan, price, count)


def _require_method(subscription: Subscription, plan: Plan) -> None:
    """A plan that has no trial is paid at once, and one may want a payment method before its trial."""
    if (plan.trial_days == 0 or plan.trial_method == "required") and not trials.has_method(subscription):
        raise trials.MethodMissing


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


def still_valid(subscription: Subscription, wanted: Wanted) -> PlanChange | None:
    """An earlier offer of the same: the back button and a reload do not make new ones."""
    found = db.session.scalars(
        select(PlanChange)
        .where(
            PlanChange.state == "quoted",
            PlanChange.expires_at > clock.now(),
            PlanChange.subscription_id == subscription.id,
            PlanChange.from_plan_price_id == subscription.plan_price_id,
            PlanChange.from_quantity == subscription.quantity,
            PlanChange.plan_price_id == wanted.price.plan_price_id,
            PlanChange.quantity == wanted.quantity,
        )
        .order_by(PlanChange.id.desc())
        .limit(1)
    ).first()
    # Of the period under way: a renewal in between is another starting point.
    period = (subscription.current_period_start, subscription.current_period_end)
    return found if found is not None and plan_quotes.period_of(found) == period else None


def make(subscription: Subscription, wanted: Wanted, actor: UUID | None) -> PlanChange:
    """Have Stripe price it and keep the offer. Commits; no transaction is open while Stripe is asked."""
    kind = direction(
        subscription.amount_minor,
        subscription.interval,
        wanted.price.unit_amount_minor * wanted.quantity,
        wanted.price.interval,
    )
    present = plan_of(subscription)
    asked_at = business_time.now().replace(microsecond=0)
    db.session.commit()
    item, resource = read(subscription)
    trial = _trial(resource, wanted, asked_at)
    timing = _timing(present, kind) if trial is None else "trial" if wanted.is_free or trial["end"] != "now" else "now"
    db.session.commit()
    whole = plan_quotes.period_of_item(item)
    asked = Asked(
        subscription_id=subscription.stripe_subscription_id,
        item_id=item["id"],
        price_id=wanted.price.stripe_price_id,
        quantity=wanted.quantity,
        interval=wanted.price.interval,
        timing=timing,
        changes_interval=kind == "interval",
        proration_at=min(max(asked_at, whole[0]), whole[1] - timedelta(seconds=1)) if timing == "now" else None,
        trial_end=trial["end"] if trial else None,
        without_method=trial["without_method"] if trial else "",
        currency=subscription.currency,
        product=str(present.stripe_product_id),
        plan_id=present.plan_id,
        is_free=wanted.is_free,
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


def read(subscription: Subscription) -> tuple[dict[str, Any], dict[str, Any]]:
    """The item that is the plan, and the subscription, as Stripe has them now; they must be what our record says."""
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
    return item, resource


def _trial(resource: dict[str, Any], wanted: Wanted, now: datetime) -> dict[str, Any] | None:
    """What becomes of the trial under way by the terms of the wanted plan, or ``None`` without a trial.

    It ends no later than a trial of that plan that had begun when this one did. A free plan has none, nor one without
    days; what is charged with its end fails there without a method, instead of ending the subscription.
    """
    if resource["status"] != "trialing":
        return None
    until = resource["trial_start"] + wanted.plan.trial_days * 86400
    if wanted.is_free:
        return {"end": "now", "without_method": ""}
    if wanted.plan.trial_days == 0 or until <= now.timestamp():
        return {"end": "now", "without_method": "create_invoice"}
    return {"end": until if until < resource["trial_end"] else None, "without_method": wanted.plan.trial_end}


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
    subscription: Subscription, wanted: Wanted, kind: str, asked: Asked, priced: Priced, actor: UUID | None
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
        quote={"today": today, "next": following, **_kept(asked, priced)},
        expires_at=clock.now() + timedelta(minutes=QUOTE_MINUTES),
        started_by=actor,
    )
    steps.begin(change, "quoted")
    db.session.add(change)
    db.session.flush()
    _report_unexplained(change)
    db.session.commit()
    return change


def _kept(asked: Asked, priced: Priced) -> dict[str, Any]:
    """What has to be the same when it is confirmed."""
    trial = {"end": asked.trial_end, "without_method": asked.without_method}
    return {"figures": priced.figures(), "whole": _stamps(asked.whole), "trial": trial}


def _next_at(asked: Asked, priced: Priced) -> datetime:
    if isinstance(asked.trial_end, int):
        return clock.from_timestamp(asked.trial_end) or asked.whole[1]
    if (asked.resets_anchor or asked.ends_trial) and priced.today is not None:
        return plan_quotes.next_end(priced.today, asked.price_id) or asked.whole[1]
    return asked.whole[1]


def _report_unexplained(change: PlanChange) -> None:
    for name in ("today", "next"):
        for number, line in enumerate((change.quote[name] or {}).get("lines", ())):
            if line["explanation"] is None:
                report("unexplained_line", f"{change.id}:{name}:{number}", amount_minor=line["amount_minor"])


def _stamps(period: tuple[datetime, datetime]) -> list[int]:
    return [int(moment.timestamp()) for moment in period]
