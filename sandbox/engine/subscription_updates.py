"""Subscriptions.update: everything that a running subscription lets a request change."""

from typing import Any

from ..errors import InvalidRequest, modelled
from . import (
    billing_cycles,
    cancellation,
    pausing,
    pending_updates,
    plan_changes,
    subscription_invoices,
    trials,
    update_payments,
)
from .fields import cleared, merged_metadata
from .invoice_body import Draft
from .subscription_body import payment_settings, trial_settings
from .subscription_terms import collection_terms, own_method
from .work import Obj, Work, copied

KIND = "subscription"
_UPDATE = {
    "metadata", "cancel_at_period_end", "cancel_at", "default_payment_method", "description",
    "cancellation_details", "payment_settings", "trial_settings", "off_session", "proration_behavior",
    "payment_behavior", "trial_end", "pause_collection", "collection_method", "days_until_due",
    "automatic_tax", "default_tax_rates", "discounts", "items", "proration_date", "billing_cycle_anchor",
    "add_invoice_items",
}  # fmt: skip
# What may change before the first invoice is paid (SDK: subscription.status).
_INCOMPLETE = {
    "metadata", "default_payment_method", "payment_settings", "description", "cancellation_details", "expand",
}  # fmt: skip


def update(work: Work, params: Obj, subscription_id: str) -> Obj:
    """POST /v1/subscriptions/{id}: plan, metadata, cancellation, trial, pause of collection, how it is paid.

    A change that bills at once is collected by `payment_behavior`. Emits customer.subscription.updated and the
    invoice's events. CardRefused when error_if_incomplete is refused: nothing changed then.
    """
    modelled(params, _UPDATE, "updating a subscription")
    subscription = work.edit(KIND, subscription_id)
    _check_state(subscription, params)
    return perform(work, subscription, params)


def perform(work: Work, subscription: Obj, params: Obj, param: str = "items") -> Obj:
    """The same for a working copy and parameters that were checked; `param` is the path of `items`."""
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        pending_updates.check(params)
    wanted = plan_changes.plan(work, subscription, params, param)
    if wanted.alters:
        pending_updates.drop(work, subscription)
    before = copied(subscription)
    _set_terms(work, subscription, params)
    draft = plan_changes.carry_out(work, subscription, wanted, params)
    cancellation.plan(work, subscription, params)
    if draft is not None and behavior == "pending_if_incomplete" and subscription["pause_collection"] is None:
        update_payments.collect_first(work, subscription, before, draft)
        return subscription
    if draft is not None:
        subscription["latest_invoice"] = draft.id
    work.emit_updated("customer.subscription.updated", before, subscription)
    if wanted.alters:
        billing_cycles.schedule(work, subscription)
    if draft is not None:
        _bill(work, subscription, draft, behavior)
    if "trial_end" in params:
        trials.change(work, subscription, params)
        if subscription["cancel_at_period_end"] and subscription["ended_at"] is None:
            cancellation.at_period_end(work, subscription, wanted=True)
    return subscription


def _check_state(subscription: Obj, params: Obj) -> None:
    if subscription["ended_at"] is not None and set(params) - {"metadata", "cancellation_details", "expand"}:
        raise InvalidRequest(
            "A canceled subscription can only update its cancellation_details and metadata.",
        )
    if subscription["status"] == "incomplete" and set(params) - _INCOMPLETE:
        raise InvalidRequest("An incomplete subscription can only update its metadata and payment method.")
    if subscription["schedule"] is not None and set(params) & {"cancel_at", "cancel_at_period_end"}:
        raise InvalidRequest(
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating any "
            "cancelation behavior directly is not allowed. Please update the schedule instead."
        )


def _set_terms(work: Work, subscription: Obj, params: Obj) -> None:
    """What needs no proration."""
    subscription["metadata"] = merged_metadata(subscription["metadata"], params.get("metadata"))
    if "default_payment_method" in params:
        method: Any = params["default_payment_method"]
        subscription["default_payment_method"] = own_method(work, subscription["customer"], method)
    if "description" in params:
        subscription["description"] = cleared(params["description"])
    if "payment_settings" in params:
        subscription["payment_settings"].update(payment_settings(params["payment_settings"]))
    if "trial_settings" in params:
        subscription["trial_settings"] = trial_settings(params["trial_settings"])
    if "pause_collection" in params:
        pausing.set_collection(work, subscription, params["pause_collection"])
    subscription.update(collection_terms(params, subscription))


def _bill(work: Work, subscription: Obj, draft: Draft, behavior: str) -> None:
    """Issues what a change bills now and collects it; while collection is paused, as the pause says."""
    if subscription["pause_collection"] is not None:
        subscription_invoices.issue(work, subscription, draft)
        return
    invoice = subscription_invoices.issue_now(work, draft)
    update_payments.collect(work, subscription, invoice, behavior)
