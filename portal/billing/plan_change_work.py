"""What a change of plan does at Stripe: done by the request that confirmed it, or by the worker that inherited it."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from portal import clock, steps
from portal.billing import plan_quotes
from portal.billing.plan_change_errors import PeriodOver
from portal.billing.plan_quotes import Asked
from portal.errors import Unavailable
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeMisconfigured, StripeRefused
from portal.gateway.inbox import want
from portal.mirror import plan_changes as outcome
from portal.mirror import subscriptions as mirrored
from portal.mirror.customers import locked
from portal.models import Plan, PlanChange, PlanPrice, Subscription
from portal.notices.notify import notify
from portal.outbox import Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import (
        SubscriptionScheduleUpdateParams,
        SubscriptionScheduleUpdateParamsPhase,
        SubscriptionScheduleUpdateParamsPhaseItem,
        SubscriptionUpdateParams,
    )

log = logging.getLogger("portal.plan_changes")


class GivenUp(Unavailable):
    """It could not be asked for almost a day, and Stripe shows nothing of it: asked now, it might happen twice."""

    code = "plan_change_given_up"


def perform(work: Work) -> None:
    """Change the subscription, or write its schedule; store what Stripe made of it.

    Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` when the effect is unknown: the outbox row stays
    and is done again with the same keys. What Stripe refuses ends the change as ``failed``.
    """
    require_money_allowed()
    change = _locked_change(work)
    if change.state != "confirmed":
        finish(work)
        db.session.commit()
        return
    asked, subscription = asked_of(change), _subscription_of(change)
    interval = db.session.get_one(PlanPrice, change.plan_price_id).interval
    confirmed_at = change.confirmed_at or change.created_at
    db.session.commit()
    try:
        resource = mirrored.fetch(asked.subscription_id)
        _require_same_period(asked, resource)
        if key_is_forgotten(confirmed_at):
            answer = _found_later(asked, resource)
        elif asked.timing == "period_end":
            answer = _scheduled(change, asked, interval)
        else:
            answer = _updated(change, asked)
    except (StripeRefused, StripeMisconfigured, GivenUp, PeriodOver) as error:
        log.warning("a change of plan was refused: %s", error)
        _fail(work, error.code, subscription.stripe_subscription_id)
        return
    _store(work, answer, subscription.stripe_subscription_id)


def cancel(work: Work) -> None:
    """Take a change back at Stripe: release its schedule, or void the invoice that it waits for. Then look."""
    change = _locked_change(work)
    schedule_id, invoice_id = change.stripe_schedule_id, change.stripe_invoice_id
    state, stripe_id = change.state, _subscription_of(change).stripe_subscription_id
    db.session.commit()
    try:
        if state == "scheduled" and schedule_id:
            _release(schedule_id)
        elif state == "awaiting_payment" and invoice_id:
            key = keyed(f"plan_change.void:{change.id}")
            gateway().write(lambda s: s.v1.invoices.void_invoice(invoice_id, None, key))
    except StripeRefused as error:
        log.info("nothing to take back any more; reading the subscription says how it ended: %s", error)
    if invoice_id:
        want(invoice_id, "invoice")
        db.session.commit()
    _settle(work, stripe_id)


def check(work: Work) -> None:
    """A reading of the subscription looked as if a change had been dropped: read again, and believe that."""
    change = _locked_change(work)
    stripe_id = _subscription_of(change).stripe_subscription_id
    db.session.commit()
    _settle(work, stripe_id)


def release(work: Work) -> None:
    """The schedule of a change has done its part: the subscription goes on without it."""
    change = _locked_change(work)
    schedule_id, stripe_id = change.stripe_schedule_id, _subscription_of(change).stripe_subscription_id
    db.session.commit()
    try:
        if schedule_id:
            _release(schedule_id)
    except StripeRefused as error:
        log.info("the schedule is over already: %s", error)
    want(stripe_id, "subscription")
    finish(work)
    db.session.commit()


HANDLERS: Mapping[str, Callable[[Work], None]] = {
    "plan_change.perform": perform,
    "plan_change.cancel": cancel,
    "plan_change.check": check,
    "plan_change.release": release,
}


def asked_of(change: PlanChange) -> Asked:
    """What is asked of Stripe for a change: from columns that never change, so that a repeat asks the same."""
    price = db.session.get_one(PlanPrice, change.plan_price_id)
    present = db.session.get_one(Plan, change.from_plan_id)
    return Asked(
        subscription_id=_subscription_of(change).stripe_subscription_id,
        item_id=change.stripe_item_id,
        price_id=str(price.stripe_price_id),
        quantity=change.quantity,
        timing=change.timing,
        changes_interval=change.changes_interval,
        proration_at=change.proration_at,
        currency=change.currency,
        product=str(present.stripe_product_id),
        plan_id=present.plan_id,
        is_free=price.unit_amount_minor == 0,
        whole=plan_quotes.period_of(change),
        credit_minor=change.credit_minor,
    )


def update_params(asked: Asked) -> "SubscriptionUpdateParams":
    """The update that bills what :func:`portal.billing.plan_quotes.price` said of today."""
    params: SubscriptionUpdateParams = {
        "items": [{"id": asked.item_id, "price": asked.price_id, "quantity": asked.quantity}],
        "payment_behavior": "pending_if_incomplete",
    }
    if asked.timing == "trial":
        params["payment_behavior"] = "allow_incomplete"
        params["proration_behavior"] = "none"
        if asked.is_free:
            params["trial_end"] = "now"
    elif asked.resets_anchor:
        params["billing_cycle_anchor"] = {"type": "now"}
        params["proration_behavior"] = "none"
        if asked.credit_minor:
            # In the update itself: where that fails, nothing is left that would have to be taken back.
            params["add_invoice_items"] = [plan_quotes.credit_item(asked)]  # type: ignore[list-item]
    elif asked.proration_at is not None:
        params["proration_behavior"] = "always_invoice"
        params["proration_date"] = int(asked.proration_at.timestamp())
    return params


def _updated(change: PlanChange, asked: Asked) -> dict[str, Any]:
    params = update_params(asked)
    key = keyed(f"plan_change:{change.id}")
    return as_dict(gateway().write(lambda s: s.v1.subscriptions.update(asked.subscription_id, params, key)))


def _scheduled(change: PlanChange, asked: Asked, interval: str) -> dict[str, Any]:
    """Two phases: the period under way as it is, and from its end on the new terms."""
    key = keyed(f"plan_change.schedule:{change.id}")
    made = as_dict(
        gateway().write(lambda s: s.v1.subscription_schedules.create({"from_subscription": asked.subscription_id}, key))
    )
    running = made["phases"][-1]
    present = _phase(running, [_phase_item(item) for item in running["items"]])
    present["start_date"], present["end_date"] = running["start_date"], running["end_date"]
    present["proration_behavior"] = running["proration_behavior"]
    then = _phase(running, [_changed_item(item, change, asked) for item in running["items"]])
    then["proration_behavior"] = "none"
    then["duration"] = {"interval": "year" if interval == "year" else "month", "interval_count": 1}
    if asked.changes_interval:
        then["billing_cycle_anchor"] = "phase_start"
    params: SubscriptionScheduleUpdateParams = {
        "end_behavior": "release",
        "phases": [present, then],
        "metadata": {"plan_change_id": str(change.id)},
    }
    phases_key = keyed(f"plan_change.phases:{change.id}")
    return as_dict(gateway().write(lambda s: s.v1.subscription_schedules.update(made["id"], params, phases_key)))


def _phase(
    running: dict[str, Any], items: list["SubscriptionScheduleUpdateParamsPhaseItem"]
) -> "SubscriptionScheduleUpdateParamsPhase":
    """A phase with the discounts and taxes of the one under way: what is left out would be taken away."""
    phase: SubscriptionScheduleUpdateParamsPhase = {"items": items}
    if running["discounts"]:
        phase["discounts"] = [{"discount": entry["discount"]} for entry in running["discounts"]]
    if running["default_tax_rates"]:
        phase["default_tax_rates"] = [rate["id"] for rate in running["default_tax_rates"]]
    return phase


def _phase_item(item: dict[str, Any]) -> "SubscriptionScheduleUpdateParamsPhaseItem":
    found: SubscriptionScheduleUpdateParamsPhaseItem = {"price": item["price"]}
    if "quantity" in item:
        found["quantity"] = item["quantity"]
    if item["discounts"]:
        found["discounts"] = [{"discount": entry["discount"]} for entry in item["discounts"]]
    if item["tax_rates"]:
        found["tax_rates"] = [rate["id"] for rate in item["tax_rates"]]
    return found


def _changed_item(
    item: dict[str, Any], change: PlanChange, asked: Asked
) -> "SubscriptionScheduleUpdateParamsPhaseItem":
    found = _phase_item(item)
    former = db.session.get_one(PlanPrice, change.from_plan_price_id).stripe_price_id
    db.session.commit()
    if item["price"] == former:
        found["price"], found["quantity"] = asked.price_id, asked.quantity
    return found


def _require_same_period(asked: Asked, resource: dict[str, Any]) -> None:
    """The offer holds within its period only: a new cycle after a renewal would cost what was paid for the next one.

    A subscription that has the new terms, or holds them back, was changed by a try whose answer was lost.
    """
    items = resource["items"]["data"]
    if resource["pending_update"] or any(_is_wanted(item, asked) for item in items):
        return
    if not any(plan_quotes.period_of_item(item) == asked.whole for item in items if item["id"] == asked.item_id):
        raise PeriodOver


def _is_wanted(item: dict[str, Any], asked: Asked) -> bool:
    return (item["price"]["id"], item.get("quantity")) == (asked.price_id, asked.quantity)


def _found_later(asked: Asked, resource: dict[str, Any]) -> dict[str, Any]:
    """What Stripe shows of a change whose first try lies so far back that its key is forgotten there."""
    items = (resource["pending_update"] or {}).get("subscription_items") or resource["items"]["data"]
    if asked.timing == "period_end" and resource["schedule"]:
        schedule_id = resource["schedule"]
        return as_dict(gateway().read(lambda s: s.v1.subscription_schedules.retrieve(schedule_id)))
    if not any(_is_wanted(item, asked) for item in items):
        raise GivenUp
    return resource


def _store(work: Work, answer: dict[str, Any], stripe_id: str) -> None:
    change = _locked_change(work)
    if answer["object"] == "subscription_schedule":
        change.stripe_schedule_id = answer["id"]
        steps.move(change, "scheduled")
    else:
        change.stripe_invoice_id = answer["latest_invoice"] if change.timing == "now" else None
        pending = answer["pending_update"]
        steps.move(change, "awaiting_payment" if pending else "applied")
        change.pay_until = clock.from_timestamp(pending["expires_at"]) if pending else None
        change.closed_at = None if pending else clock.now()
    audit.record("plan_change.perform", "plan_change", str(change.id), after={"state": change.state})
    if change.state != "applied":  # of that the mirror tells, which sees the new plan
        notify(f"plan_change_{change.state}", str(change.id))
    want(stripe_id, "subscription")
    if change.stripe_schedule_id:
        want(change.stripe_schedule_id, "subscription_schedule")
    if change.stripe_invoice_id:
        want(change.stripe_invoice_id, "invoice")
    finish(work)
    db.session.commit()


def _fail(work: Work, error_code: str, stripe_id: str) -> None:
    db.session.rollback()
    change = _locked_change(work)
    steps.move(change, "failed", reason=error_code)
    change.error_code, change.closed_at = error_code, clock.now()
    audit.record("plan_change.fail", "plan_change", str(change.id), after={"error": error_code})
    want(stripe_id, "subscription")
    finish(work)
    db.session.commit()


def _settle(work: Work, stripe_id: str) -> None:
    """Read the subscription after what was done, and end the change as it says."""
    resource = mirrored.fetch(stripe_id)
    change = _locked_change(work)
    if change.state in ("awaiting_payment", "scheduled"):
        outcome.settle(change, resource)
    want(stripe_id, "subscription")
    finish(work)
    db.session.commit()


def _release(schedule_id: str) -> None:
    key = keyed(f"plan_change.release:{schedule_id}")
    gateway().write(lambda s: s.v1.subscription_schedules.release(schedule_id, None, key))


def _subscription_of(change: PlanChange) -> Subscription:
    return db.session.get_one(Subscription, (change.tenant_id, change.subscription_id), populate_existing=True)


def _locked_change(work: Work) -> PlanChange:
    """The bound tenant's own row: row-level security hides another's, whatever the payload says."""
    locked()
    wanted = PlanChange.id == UUID(str(work.payload["plan_change_id"]))
    return db.session.scalars(
        select(PlanChange).where(wanted).with_for_update().execution_options(populate_existing=True)
    ).one()
