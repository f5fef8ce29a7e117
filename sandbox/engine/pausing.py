"""Two kinds of pause: of collection (the subscription goes on, its invoices are not collected), and of the
subscription itself (no periods, no invoices, until it is resumed).

Sources: docs.stripe.com/billing/subscriptions/pause-payment, .../pausing, and the SDK on pause and resume.
"""

from typing import Any

from ..errors import InvalidRequest, modelled
from . import (
    agenda,
    billing_cycles,
    collection,
    invoices,
    proration_items,
    standing,
    subscription_invoices,
    usage_lines,
)
from .invoice_body import Draft
from .work import Obj, Work, copied

KIND = "subscription"
_UNPAID_HOURS = 23 * 3600


def set_collection(work: Work, subscription: Obj, given: Any) -> None:
    """Update's `pause_collection`: `behavior` and `resumes_at` (UTC seconds), or "" to go on collecting."""
    if not given:
        subscription["pause_collection"] = None
        agenda.drop(work, "subscription.resume_collection", subscription["id"])
        return
    resumes_at = given.get("resumes_at")
    if resumes_at is not None and resumes_at <= work.now:
        raise InvalidRequest("`resumes_at` must be in the future.", param="pause_collection[resumes_at]")
    subscription["pause_collection"] = {"behavior": given["behavior"], "resumes_at": resumes_at}
    if resumes_at is None:
        agenda.drop(work, "subscription.resume_collection", subscription["id"])
    else:
        agenda.put(work, "subscription.resume_collection", subscription["id"], resumes_at)


def resume_collection_due(work: Work, subscription_id: str) -> None:
    """The agenda's, at `resumes_at`."""
    subscription = work.edit(KIND, subscription_id)
    former = subscription["pause_collection"]
    subscription["pause_collection"] = None
    work.emit("customer.subscription.updated", subscription, {"pause_collection": former})


def pause(work: Work, params: Obj, subscription_id: str) -> Obj:
    """POST /v1/subscriptions/{id}/pause, for active subscriptions that are charged automatically.

    Time that was paid and is not used is given back as pending items (`bill_for[unused_time_from]`: now, none, or
    the whole period), and with `invoicing_behavior` invoice billed at once. Usage up to now is billed by an
    invoice in any case (assumed: usage cannot wait as a pending item).
    """
    modelled(params, {"type", "bill_for", "invoicing_behavior"}, "pausing a subscription")
    subscription = work.edit(KIND, subscription_id)
    if subscription["status"] != "active" or subscription["collection_method"] != "charge_automatically":
        raise InvalidRequest("Only active subscriptions that are charged automatically can be paused.")
    bill_for = params.get("bill_for", {})
    _give_back(work, subscription, bill_for.get("unused_time_from", {"type": "now"})["type"])
    usage = bill_for.get("outstanding_usage_through", {"type": "now"})["type"] == "now"
    draft = None
    if params.get("invoicing_behavior") == "invoice" or (usage and usage_lines.has_usage(work, subscription)):
        draft = subscription_invoices.of_pending(work, subscription, "subscription_update", with_usage=usage)
    if draft is not None:
        subscription["latest_invoice"] = draft.id
    standing.pause(work, subscription, "pause_requested")
    if draft is not None:
        subscription_invoices.issue(work, subscription, draft)
    return subscription


def resume(work: Work, params: Obj, subscription_id: str) -> Obj:
    """POST /v1/subscriptions/{id}/resume of a paused one, from now on or on its former grid of periods.

    `resume_on_payment_success` collects the invoice at once and stays paused until it is paid; with
    `resume_on_payment_attempt` (default) somebody pays it, and a refusal makes it past_due. An invoice that is
    not paid within 23 hours is voided, and the subscription stays paused.
    """
    modelled(params, {"billing_cycle_anchor", "payment_behavior", "proration_behavior"}, "resuming a subscription")
    subscription = work.edit(KIND, subscription_id)
    if subscription["status"] != "paused":
        raise InvalidRequest("Only a paused subscription can be resumed.")
    if "resumption" in subscription["_"]:
        raise InvalidRequest("This subscription waits for the payment of its resumption already.")
    ahead = _resumed(work, subscription, params)
    draft = _draft(work, ahead, params)
    on = params.get("payment_behavior", "resume_on_payment_attempt")
    subscription["_"]["resumption"] = {
        "anchor": {name: ahead[name] for name in ("billing_cycle_anchor", "billing_cycle_anchor_config")},
        "begin": work.now,
        "invoice": None if draft is None else draft.id,
        "on": on,
    }
    if draft is None:
        standing.resume(work, subscription, "active")
        return subscription
    subscription["latest_invoice"] = draft.id
    agenda.put(work, "subscription.resumption_expire", subscription_id, work.now + _UNPAID_HOURS)
    invoice = subscription_invoices.issue_now(work, draft)
    if invoice["status"] == "open" and on == "resume_on_payment_success":
        _collect(work, invoice)
    return subscription


def resumption_expire_due(work: Work, subscription_id: str) -> None:
    """The agenda's, 23 hours after a resumption whose invoice nobody paid."""
    subscription = work.edit(KIND, subscription_id)
    resumption = subscription["_"].get("resumption")
    if resumption is not None:
        standing.settled(work, invoices.void(work, resumption["invoice"]))


def _resumed(work: Work, subscription: Obj, params: Obj) -> Obj:
    """The subscription as it will be, for its invoice: active, with the periods that begin now."""
    ahead: Obj = copied(subscription)
    ahead["status"] = "active"
    if params.get("billing_cycle_anchor", {"type": "now"})["type"] == "now":
        ahead.update(billing_cycle_anchor=work.now, billing_cycle_anchor_config=None)
    billing_cycles.begin(ahead, work.now)
    return ahead


def _draft(work: Work, ahead: Obj, params: Obj) -> Draft | None:
    unchanged = params.get("billing_cycle_anchor", {"type": "now"})["type"] == "unchanged"
    prorates = params.get("proration_behavior", "create_prorations")
    if unchanged and prorates != "always_invoice":
        if prorates == "create_prorations":
            for item in ahead["items"]["data"]:
                proration_items.charge(work, ahead, item, work.now)
        return None
    draft = subscription_invoices.of_items(
        work, ahead, ahead["items"]["data"], "subscription_update", invoice_id=work.new_id("in"), at_once=True
    )
    return subscription_invoices.latest(ahead, draft)


def _give_back(work: Work, subscription: Obj, since: str) -> None:
    if since == "none":
        return
    for item in subscription["items"]["data"]:
        at = work.now if since == "now" else item["current_period_start"]
        proration_items.give_back(work, subscription, item, at)


def _collect(work: Work, invoice: Obj) -> None:
    collection.collect(work, invoice["id"], collection.default_method(work, invoice), automatic=True)
