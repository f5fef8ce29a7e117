"""What a change of plan does at Stripe: done by the request that confirmed it, or by the worker that inherited it."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from portal import clock, lookups, steps
from portal.billing import plan_change_schedules, plan_quotes
from portal.billing.plan_change_errors import PeriodOver, SubscriptionEnding
from portal.billing.plan_quotes import Asked
from portal.errors import Unavailable
from portal.extensions import db
from portal.findings import report
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeMisconfigured, StripeRefused
from portal.gateway.inbox import want
from portal.mirror import plan_changes as outcome
from portal.mirror import subscriptions as mirrored
from portal.mirror.customers import locked
from portal.models import PlanChange, Subscription
from portal.notices.notify import notify
from portal.outbox import Retry, Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params import SubscriptionUpdateParams

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
    asked, confirmed_at = plan_quotes.asked_of(change), change.confirmed_at or change.created_at
    db.session.commit()
    try:
        resource = mirrored.fetch(asked.subscription_id)
        require_unchanged(asked, resource)
        if asked.timing == "period_end":
            answer = _scheduled(work, change, asked, resource)
        elif key_is_forgotten(confirmed_at):
            answer = _found_later(asked, resource)
        else:
            answer = _updated(change, asked)
    except (StripeRefused, StripeMisconfigured, GivenUp, PeriodOver, SubscriptionEnding) as error:
        log.warning("a change of plan was refused: %s", error)
        _fail(work, error.code, asked.subscription_id)
        return
    _store(work, answer, asked.subscription_id)


def cancel(work: Work) -> None:
    """Take a change back at Stripe: release its schedule, or void the invoice that it waits for. Then look."""
    change = _locked_change(work)
    schedule_id, invoice_id = change.stripe_schedule_id, change.stripe_invoice_id
    state, stripe_id = change.state, _subscription_of(change).stripe_subscription_id
    db.session.commit()
    try:
        if state == "scheduled" and schedule_id:
            plan_change_schedules.release(schedule_id, work.key)
        elif state == "awaiting_payment" and invoice_id:
            gateway().write(lambda s: s.v1.invoices.void_invoice(invoice_id, None, keyed(work.key)))
    except StripeRefused as error:
        log.info("reading the subscription says how it ended, or that it can be taken back again: %s", error)
    if invoice_id:
        want(invoice_id, "invoice")
        db.session.commit()
    _settle(work, stripe_id, was_asked=True)


def check(work: Work) -> None:
    """A reading of the subscription looked as if a change had been dropped: read again, and believe that."""
    change = _locked_change(work)
    stripe_id = _subscription_of(change).stripe_subscription_id
    db.session.commit()
    _settle(work, stripe_id)


def release(work: Work) -> None:
    """The schedule of a change has done its part, or could not be written: the subscription goes on without it.

    Raises :class:`portal.gateway.errors.StripeFailure` while Stripe holds on to it; it is tried again then.
    """
    change = _locked_change(work)
    schedule_id, stripe_id = change.stripe_schedule_id, _subscription_of(change).stripe_subscription_id
    db.session.commit()
    if schedule_id:
        plan_change_schedules.release(schedule_id, f"{work.key}:{work.attempts}")
    want(stripe_id, "subscription")
    finish(work)
    db.session.commit()


def refit(work: Work) -> None:
    """What the schedule of a change copied has changed since: write its phases anew, and what will be charged then.

    One that Stripe refuses to change is the finding ``schedule_not_refitted``.
    """
    change = _locked_change(work)
    if change.state == "confirmed":
        db.session.commit()
        raise Retry(5, "the schedule is being written")
    asked, schedule_id = plan_quotes.asked_of(change), change.stripe_schedule_id
    waits = change.state == "scheduled"
    db.session.commit()
    following, refused = None, None
    try:
        if waits and schedule_id is not None:
            following = _refitted(work, asked, schedule_id)
    except StripeRefused as error:
        refused = error
    change = _locked_change(work)
    if following is not None:
        change.quote = {**change.quote, "next": plan_quotes.shown(following, asked)}
        change.next_minor = max(following["total"], 0)
    if refused is not None and change.state == "scheduled":
        report("schedule_not_refitted", str(change.id), error=str(refused))
    finish(work)
    db.session.commit()


def _refitted(work: Work, asked: Asked, schedule_id: str) -> plan_quotes.Preview | None:
    """Returns the invoice that will come, where Stripe previews one; ``None`` for a change that has come, or that
    somebody has taken back.
    """
    resource = mirrored.fetch(asked.subscription_id)
    if resource["schedule"] != schedule_id or any(_is_wanted(item, asked) for item in resource["items"]["data"]):
        return None
    schedule = plan_change_schedules.read(schedule_id)
    plan_change_schedules.write(schedule, str(work.payload["plan_change_id"]), asked, resource, work.key)
    try:
        return plan_quotes.price(asked).following
    except StripeRefused as error:  # what was promised stays, and is compared with what comes
        log.warning("a scheduled change could not be priced again: %s", error)
        return None


HANDLERS: Mapping[str, Callable[[Work], None]] = {
    "plan_change.perform": perform,
    "plan_change.cancel": cancel,
    "plan_change.check": check,
    "plan_change.release": release,
    "plan_change.refit": refit,
}


def update_params(asked: Asked) -> "SubscriptionUpdateParams":
    """The update that bills what :func:`portal.billing.plan_quotes.price` said of today."""
    params: SubscriptionUpdateParams = {
        "items": [{"id": asked.item_id, "price": asked.price_id, "quantity": asked.quantity}],
        "payment_behavior": "pending_if_incomplete",
    }
    if asked.timing == "trial":
        params["payment_behavior"] = "allow_incomplete"
        params["proration_behavior"] = "none"
        if asked.trial_end is not None:
            params["trial_end"] = asked.trial_end
    elif asked.ends_trial:
        params["payment_behavior"] = "error_if_incomplete"  # nothing changes unless it is paid
        params["proration_behavior"] = "none"
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
    if asked.without_method:
        behavior: Any = asked.without_method  # held by a constraint of the table of plans
        params["trial_settings"] = {"end_behavior": {"missing_payment_method": behavior}}
    return params


def _updated(change: PlanChange, asked: Asked) -> dict[str, Any]:
    params = update_params(asked)
    key = keyed(f"plan_change:{change.id}")
    return as_dict(gateway().write(lambda s: s.v1.subscriptions.update(asked.subscription_id, params, key)))


def _scheduled(work: Work, change: PlanChange, asked: Asked, resource: dict[str, Any]) -> dict[str, Any]:
    """The schedule with its phases. Its id is kept before they are written, so that a failure can release it."""
    if (schedule := _begun(change, resource)) is None:
        schedule = plan_change_schedules.begin(asked, f"plan_change.schedule:{change.id}")
    row = _locked_change(work)
    row.stripe_schedule_id = schedule["id"]
    db.session.commit()
    return plan_change_schedules.write(schedule, str(change.id), asked, resource, f"plan_change.phases:{change.id}")


def _begun(change: PlanChange, resource: dict[str, Any]) -> dict[str, Any] | None:
    """The schedule of an earlier try: it has our mark, or no more than the phase that it was begun with.

    Raises :class:`GivenUp` for one that somebody made at Stripe's dashboard.
    """
    if resource["schedule"] is None:
        return None
    schedule = plan_change_schedules.read(resource["schedule"])
    mark = (schedule["metadata"] or {}).get(plan_change_schedules.MARK)
    if mark != str(change.id) and (mark is not None or len(schedule["phases"]) > 1):
        raise GivenUp
    return schedule


def require_unchanged(asked: Asked, resource: dict[str, Any]) -> None:
    """The offer holds within its period only: a new cycle after a renewal would cost what was paid for the next one.

    A subscription that has the new terms, or holds them back, was changed by a try whose answer was lost. Raises
    :class:`PeriodOver`, and :class:`SubscriptionEnding` for one that was cancelled since.
    """
    items = resource["items"]["data"]
    if resource["pending_update"] or any(_is_wanted(item, asked) for item in items):
        return
    if resource["cancel_at"] is not None:
        raise SubscriptionEnding
    if not any(plan_quotes.period_of_item(item) == asked.whole for item in items if item["id"] == asked.item_id):
        raise PeriodOver


def _is_wanted(item: dict[str, Any], asked: Asked) -> bool:
    return (item["price"]["id"], item.get("quantity")) == (asked.price_id, asked.quantity)


def _found_later(asked: Asked, resource: dict[str, Any]) -> dict[str, Any]:
    """What Stripe shows of a change whose first try lies so far back that its key is forgotten there."""
    items = (resource["pending_update"] or {}).get("subscription_items") or resource["items"]["data"]
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
    if change.stripe_schedule_id is not None:  # begun, and never to be finished
        outcome.owe_release(change)
    want(stripe_id, "subscription")
    finish(work)
    db.session.commit()


def _settle(work: Work, stripe_id: str, *, was_asked: bool = False) -> None:
    """Read the subscription after what was done, and end the change as it says.

    One that goes on although it ``was_asked`` to end can be asked again.
    """
    resource = mirrored.fetch(stripe_id)
    change = _locked_change(work)
    if change.state in ("awaiting_payment", "scheduled"):
        outcome.settle(change, resource)
    if was_asked and change.is_under_way:
        change.cancel_requested_at = None
    want(stripe_id, "subscription")
    finish(work)
    db.session.commit()


def _subscription_of(change: PlanChange) -> Subscription:
    return db.session.get_one(Subscription, (change.tenant_id, change.subscription_id), populate_existing=True)


def _locked_change(work: Work) -> PlanChange:
    locked()
    return lookups.for_update(PlanChange, UUID(str(work.payload["plan_change_id"])))
