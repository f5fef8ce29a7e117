"""Cancelling: now, at the end of the period, or at a time; what waits for it is done by the agenda.

At the end of a period what is still pending and was used is billed by a last invoice; now, only when
`invoice_now` asks for it (SDK: Subscriptions.cancel).
"""

from typing import Any

from ..errors import InvalidRequest, NotModelled, ResourceMissing
from . import agenda, endings, invoice_items, proration_items, subscription_invoices
from .billing_cycles import first_end, last_end
from .fields import cleared
from .invoice_body import invoice_body
from .work import Obj, Work

KIND = "subscription"


def cancel(work: Work, params: Obj, subscription_id: str) -> Obj:
    """DELETE /v1/subscriptions/{id}: ends it now; its open first invoice is voided.

    `prorate` gives back the time left as pending items; `invoice_now` bills what is pending and was used by a
    last invoice, which is collected an hour later. With neither, pending prorations are removed.
    """
    subscription = work.edit(KIND, subscription_id)
    if subscription["ended_at"] is not None:
        raise ResourceMissing("subscription", subscription_id)
    note(subscription, params.get("cancellation_details", {}))
    prorates, invoices_now = bool(params.get("prorate")), bool(params.get("invoice_now"))
    if prorates:
        _give_back(work, subscription)
    elif not invoices_now:
        _remove_prorations(work, subscription)
    return _end(work, subscription, "cancellation_requested", "subscription_update" if invoices_now else None)


def cancel_due(work: Work, subscription_id: str) -> None:
    """The agenda's, at `cancel_at`."""
    subscription = work.edit(KIND, subscription_id)
    if subscription["_"].pop("cancel_prorates", False):
        _give_back(work, subscription)
    _end(work, subscription, None, "subscription_cycle")


def last_invoice(work: Work, subscription: Obj) -> Obj | None:
    """What `cancel_due` will bill at `cancel_at`, or None; for a preview, whose whole work is undone."""
    now, work.now = work.now, subscription["cancel_at"]
    try:
        if subscription["_"].get("cancel_prorates"):
            _give_back(work, subscription)
        used = subscription["status"] != "trialing"
        draft = subscription_invoices.of_pending(
            work, subscription, "upcoming", with_usage=used, invoice_id=work.new_id("upcoming")
        )
        return None if draft is None else invoice_body(work, draft)
    finally:
        work.now = now


def expire_due(work: Work, subscription_id: str) -> None:
    """The agenda's, 23 hours after the start: the first invoice was not paid."""
    subscription = work.edit(KIND, subscription_id)
    if subscription["status"] == "incomplete":
        endings.expire(work, subscription)


def plan(work: Work, subscription: Obj, params: Obj) -> None:
    """`cancel_at_period_end`, `cancel_at` and `cancellation_details` of a request."""
    note(subscription, params.get("cancellation_details", {}))
    if params.get("cancel_at") and params.get("cancel_at_period_end"):
        raise InvalidRequest("Only one of cancel_at and cancel_at_period_end can be given.", param="cancel_at")
    if "cancel_at_period_end" in params:
        at_period_end(work, subscription, wanted=params["cancel_at_period_end"])
    if "cancel_at" in params:
        _at(work, subscription, params["cancel_at"], params.get("proration_behavior"))


def at_period_end(work: Work, subscription: Obj, *, wanted: bool) -> None:
    """Cancels at the end of the current period, of mixed intervals of the longest; or not any more."""
    _set(work, subscription, last_end(subscription) if wanted else None)
    subscription["cancel_at_period_end"] = wanted


def note(subscription: Obj, given: Obj) -> None:
    """Keeps what the customer said about leaving."""
    if "feedback_option" in given:
        raise NotModelled("feedback options", param="cancellation_details[feedback_option]")
    for name in ("comment", "feedback"):
        if name in given:
            subscription["cancellation_details"][name] = cleared(given[name])


def _at(work: Work, subscription: Obj, given: Any, proration_behavior: str | None) -> None:
    if given == "max_billed_until":
        raise NotModelled("cancel_at=max_billed_until", param="cancel_at")
    named = {"min_period_end": first_end(subscription), "max_period_end": last_end(subscription), "": None}
    when = named.get(given, given)
    if when is not None and when <= work.now:
        raise InvalidRequest("`cancel_at` must be in the future.", param="cancel_at")
    _set(work, subscription, when)
    # Of a later period only the part up to then will be billed in the first place.
    if when is not None and when < last_end(subscription) and proration_behavior != "none":
        subscription["_"]["cancel_prorates"] = True
    subscription["cancel_at_period_end"] = False


def _set(work: Work, subscription: Obj, when: int | None) -> None:
    subscription["cancel_at"] = when
    subscription["_"].pop("cancel_prorates", None)
    subscription["canceled_at"] = work.now if when else None
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if when else None
    if when is None:
        agenda.drop(work, "subscription.cancel", subscription["id"])
    else:
        agenda.put(work, "subscription.cancel", subscription["id"], when)


def _end(work: Work, subscription: Obj, reason: str | None, last_invoice: str | None) -> Obj:
    """Ends it, and then issues a last invoice with that billing reason, when there is something to bill."""
    draft = None
    if last_invoice is not None and subscription["status"] != "incomplete":
        used = subscription["status"] != "trialing"
        draft = subscription_invoices.of_pending(work, subscription, last_invoice, with_usage=used)
        if draft is not None:
            subscription["latest_invoice"] = draft.id
    endings.end(work, subscription, reason)
    if draft is not None:
        subscription_invoices.issue(work, subscription, draft)
    return subscription


def _give_back(work: Work, subscription: Obj) -> None:
    for item in subscription["items"]["data"]:
        proration_items.give_back(work, subscription, item, work.now)


def _remove_prorations(work: Work, subscription: Obj) -> None:
    for item in invoice_items.pending(work, subscription["customer"], subscription["id"], only=True):
        if item["proration"]:
            invoice_items.delete(work, {}, item["id"])
