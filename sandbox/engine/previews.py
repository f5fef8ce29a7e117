"""Invoices.create_preview: the invoice that a change, a new subscription or the next renewal would make.

Whatever is asked for is carried out as its own request would, and the invoice that comes of it is shown as a
draft; then the whole work is undone (`Work.dry`). So a preview cannot differ from what it previews.
"""

from ..errors import InvalidRequest, NotModelled, modelled
from . import (
    cancellation,
    customers,
    invoice_drafts,
    invoice_items,
    pausing,
    subscription_invoices,
    subscriptions,
)
from .billing_cycles import first_end
from .fields import absent
from .money import currency_code
from .work import Obj, Work, copied

_PARAMS = {
    "automatic_tax", "currency", "customer", "customer_details", "discounts", "invoice_items", "preview_mode",
    "subscription", "subscription_details",
}  # fmt: skip
_DETAILS = {
    "billing_cycle_anchor", "billing_mode", "cancel_at", "cancel_at_period_end", "cancel_now", "default_tax_rates",
    "items", "metadata", "proration_behavior", "proration_date", "resume_at", "trial_end",
}  # fmt: skip
_UPDATING = {
    "billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "default_tax_rates", "items", "metadata",
    "proration_behavior", "proration_date", "trial_end",
}  # fmt: skip
_CUSTOMER = {"address", "shipping", "tax_exempt"}


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/invoices/create_preview.

    With `subscription`: the invoice that its change makes now, or else its next renewal with what is pending by
    then. With `subscription_details[items]` alone: the first invoice of a new subscription. With a customer alone:
    the renewal of theirs that comes next, or else what is pending for them. InvalidRequest (invoice_upcoming_none)
    when no invoice would come.
    """
    modelled(params, _PARAMS, "previews")
    details = params.get("subscription_details", {})
    modelled(details, _DETAILS, "previews of subscriptions")
    if "currency" in params:
        currency_code(params["currency"])
    work.dry = True
    subscription_id = params.get("subscription")
    customer_id, known = _customer(work, params)
    _put_items(work, params, customer_id, subscription_id)
    if subscription_id is None and "items" in details:
        subscription = _started(work, params, details, customer_id)
        found = _first(work, subscription)
    elif subscription_id is None and (subscription_id := _next_of(work, customer_id)) is None:
        found = _of_customer(work, params, customer_id)
    else:
        found = _of_change(work, params, details, str(subscription_id))
    if not known:
        found["customer"] = None
    return found


def _of_change(work: Work, params: Obj, details: Obj, subscription_id: str) -> Obj:
    subscription = work.edit("subscription", subscription_id, param="subscription")
    if subscription["ended_at"] is not None:
        raise _none()
    recurring = params.get("preview_mode") == "recurring"
    latest = subscription["latest_invoice"]
    if details.get("cancel_now"):
        prorates = details.get("proration_behavior", "create_prorations") != "none"
        cancellation.cancel(work, {"prorate": prorates, "invoice_now": True}, subscription_id)
    elif details.get("resume_at") == "now":
        how: Obj = {name: details[name] for name in ("billing_cycle_anchor", "proration_behavior") if name in details}
        pausing.resume(work, how, subscription_id)
    else:
        changed = {name: value for name, value in details.items() if name in _UPDATING}
        _check_anchor(changed)
        for name in ("automatic_tax", "discounts"):
            if name in params:
                changed[name] = params[name]
        if changed:
            subscriptions.update(work, {**changed, "payment_behavior": "default_incomplete"}, subscription_id)
    if subscription["latest_invoice"] != latest and not recurring:
        return _as_draft(work, work.read("invoice", subscription["latest_invoice"]))
    return _upcoming(work, subscription, recurring=recurring)


def _first(work: Work, subscription: Obj) -> Obj:
    """The first invoice of a new subscription; when nothing is billed at its start, the renewal (assumed)."""
    if subscription["latest_invoice"] is None:
        return _upcoming(work, subscription, recurring=False)
    return _as_draft(work, work.read("invoice", subscription["latest_invoice"]))


def _upcoming(work: Work, subscription: Obj, *, recurring: bool) -> Obj:
    if subscription["ended_at"] is not None or subscription["status"] == "paused":
        raise _none()
    ends = subscription["cancel_at"]
    if ends is None or ends > first_end(subscription):
        found = subscription_invoices.upcoming(work, subscription, recurring=recurring)
    else:
        found = None if recurring else cancellation.last_invoice(work, subscription)
    if found is None:
        raise _none()
    return found


def _started(work: Work, params: Obj, details: Obj, customer_id: str) -> Obj:
    """The subscription that a request to create it would start."""
    given: Obj = {
        name: details[name]
        for name in ("cancel_at", "cancel_at_period_end", "default_tax_rates", "proration_behavior", "trial_end")
        if name in details
    }
    for name in ("automatic_tax", "currency", "discounts"):
        if name in params:
            given[name] = params[name]
    for name in ("billing_mode", "metadata"):
        if details.get(name):
            given[name] = details[name]
    anchor = details.get("billing_cycle_anchor", {"type": "now"})
    if anchor["type"] == "timestamp":
        given["billing_cycle_anchor"] = anchor["timestamp"]
    given.update(customer=customer_id, items=details["items"], payment_behavior="default_incomplete")
    return subscriptions.create(work, given)


def _of_customer(work: Work, params: Obj, customer_id: str) -> Obj:
    """What is pending for a customer without a subscription that renews."""
    if params.get("preview_mode") == "recurring" or not invoice_items.pending(work, customer_id, None):
        raise _none()
    given: Obj = {"customer": customer_id, "pending_invoice_items_behavior": "include"}
    for name in ("automatic_tax", "currency", "discounts"):
        if name in params:
            given[name] = params[name]
    return _as_draft(work, invoice_drafts.create(work, given))


def _next_of(work: Work, customer_id: str) -> str | None:
    """The subscription of a customer that renews first."""
    living = [
        each
        for each in work.all("subscription")
        if each["customer"] == customer_id
        and each["status"] in ("active", "past_due", "trialing", "unpaid")
        and (each["cancel_at"] is None or each["cancel_at"] > first_end(each))
    ]
    return min(living, key=first_end)["id"] if living else None


def _customer(work: Work, params: Obj) -> tuple[str, bool]:
    """The id of the customer who is billed, and whether there is one outside of this preview."""
    given = params.get("customer_details", {})
    modelled(given, _CUSTOMER, "customers of previews")
    if "subscription" in params:
        owner = work.read("subscription", params["subscription"], param="subscription")["customer"]
        if params.get("customer", owner) != owner:
            raise InvalidRequest("The subscription does not belong to the customer.", param="subscription")
        customer_id = str(owner)
    elif "customer" in params:
        customer_id = str(work.edit("customer", params["customer"], param="customer")["id"])
    elif "customer_details" in params:
        return str(customers.create(work, dict(given))["id"]), False
    else:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    if given:
        customers.update(work, dict(given), customer_id)
    return customer_id, True


def _put_items(work: Work, params: Obj, customer_id: str, subscription_id: str | None) -> None:
    """Invoice items that are added to the preview, or changed in it."""
    for entry in params.get("invoice_items", []):
        given = dict(entry)
        if "price" in given:
            given["pricing"] = {"price": given.pop("price")}
        if "unit_amount" in given:
            given["unit_amount_decimal"] = str(given.pop("unit_amount"))
        if "invoiceitem" in given:
            item_id = given.pop("invoiceitem")
            if work.read("invoiceitem", item_id, param="invoice_items")["customer"] != customer_id:
                raise InvalidRequest("The invoice item belongs to another customer.", param="invoice_items")
            invoice_items.update(work, given, item_id)
            continue
        own = {} if subscription_id is None else {"subscription": subscription_id}
        if not {"currency", "pricing", "price_data"} & given.keys() and "currency" in params:
            given["currency"] = params["currency"]
        invoice_items.create(work, {**given, **own, "customer": customer_id})


def _check_anchor(changed: Obj) -> None:
    if changed.get("billing_cycle_anchor", {}).get("type") == "timestamp":
        raise NotModelled("a timestamp as the anchor of a change", param="subscription_details[billing_cycle_anchor]")


def _as_draft(work: Work, invoice: Obj) -> Obj:
    """An invoice as it was before it was finalized, under the id of a preview."""
    found: Obj = copied(invoice)
    preview_id = found["id"] = work.new_id("upcoming")
    found.update(
        absent(
            "automatically_finalizes_at", "effective_at", "hosted_invoice_url", "invoice_pdf", "next_payment_attempt",
            "number",
        ),
        amount_paid=0,
        amount_remaining=found["amount_due"],
        attempt_count=0,
        attempted=False,
        status="draft",
        status_transitions=absent("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at"),
    )  # fmt: skip
    found["lines"]["url"] = f"/v1/invoices/{preview_id}/lines"
    for line in found["lines"]["data"]:
        line["invoice"] = preview_id
    return found


def _none() -> InvalidRequest:
    return InvalidRequest("No upcoming invoices for customer", code="invoice_upcoming_none")
