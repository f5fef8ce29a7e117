"""Subscriptions: starting, changing what needs no proration, ending.

Flexible billing mode (the default since clover): periods live on the items, the anchor never moves by
itself. Renewals, dunning and plan changes are not modelled yet; parameters that need them are refused.
"""

from collections.abc import Iterator
from typing import Any

from ..errors import InvalidRequest, NotModelled, ResourceMissing, modelled
from . import collection, invoices, payment_intents
from .fields import cleared, in_range, merged_metadata, new_metadata, where
from .subscription_body import Start, payment_settings, subscription_body, trial_settings
from .work import Obj, Work, copied

KIND = "subscription"
_CREATE = {
    "customer", "items", "metadata", "default_payment_method", "payment_behavior", "payment_settings",
    "trial_period_days", "trial_end", "trial_settings", "description", "off_session", "billing_mode",
    "automatic_tax", "cancel_at_period_end", "collection_method", "currency", "proration_behavior",
}  # fmt: skip
_UPDATE = {
    "metadata", "cancel_at_period_end", "cancel_at", "default_payment_method", "description",
    "cancellation_details", "payment_settings", "trial_settings", "off_session", "proration_behavior",
    "payment_behavior",
}  # fmt: skip
_LONGEST_TRIAL = 730 * 86400


def start(work: Work, given: Start, *, intent_id: str | None = None) -> tuple[Obj, Obj]:
    """A new subscription with its first invoice, finalized; what is due is not collected yet.

    A trial starts `trialing` and a $0 start `active`, both with a paid $0 invoice; otherwise it is
    `incomplete` until the invoice is paid. Emits customer.subscription.created and the invoice's events.
    """
    subscription = work.add(KIND, subscription_body(work, given))
    _set_currency(work, subscription)
    # The event already names the invoice that is made next, as Stripe's does.
    invoice_id = subscription["latest_invoice"] = work.new_id("in")
    work.emit("customer.subscription.created", subscription)
    invoice = invoices.draft_for_subscription(work, subscription, invoice_id, "subscription_create")
    invoices.finalize(work, invoice["id"], intent_id)
    if invoice["amount_due"] == 0:
        collection.settle(work, invoice["id"])
    return subscription, invoice


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/subscriptions, by `payment_behavior`: allow_incomplete (default), default_incomplete,
    error_if_incomplete. InvalidRequest when money is due and no payment method can pay it.
    """
    modelled(params, _CREATE, "subscriptions")
    if params.get("collection_method") == "send_invoice":
        raise NotModelled("collection by sent invoices", param="collection_method")
    given = _start_from(work, params)
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise InvalidRequest("`pending_if_incomplete` is for updates only.", param="payment_behavior")
    subscription, invoice = start(work, given)
    if params.get("cancel_at_period_end"):
        _cancel_at_period_end(work, subscription, wanted=True)
    if invoice["amount_due"] == 0 or behavior == "default_incomplete":
        return subscription
    intent = collection.collect(work, invoice["id"], collection.default_method(work, invoice))
    if intent["status"] != "succeeded" and behavior == "error_if_incomplete":
        refusal = payment_intents.refusal_of(work, intent)
        refusal.keeps_changes = False
        raise refusal
    return subscription


def retrieve(work: Work, _params: Obj, subscription_id: str) -> Obj:
    """GET /v1/subscriptions/{id}."""
    return work.read(KIND, subscription_id)


def update(work: Work, params: Obj, subscription_id: str) -> Obj:
    """POST /v1/subscriptions/{id}: metadata, cancellation at the end, default method, description."""
    modelled(params, _UPDATE, "updating a subscription")
    subscription = work.edit(KIND, subscription_id)
    if subscription["ended_at"] is not None and set(params) - {"metadata", "cancellation_details", "expand"}:
        raise InvalidRequest(
            "A canceled subscription can only update its cancellation_details and metadata.",
        )
    before = copied(subscription)
    subscription["metadata"] = merged_metadata(subscription["metadata"], params.get("metadata"))
    if "default_payment_method" in params:
        subscription["default_payment_method"] = _own_method(
            work, subscription["customer"], params["default_payment_method"]
        )
    if "description" in params:
        subscription["description"] = cleared(params["description"])
    if "payment_settings" in params:
        subscription["payment_settings"].update(payment_settings(params["payment_settings"]))
    if "trial_settings" in params:
        subscription["trial_settings"] = trial_settings(params["trial_settings"])
    _schedule_cancellation(work, subscription, params)
    work.emit_updated("customer.subscription.updated", before, subscription)
    return subscription


def cancel(work: Work, params: Obj, subscription_id: str) -> Obj:
    """DELETE /v1/subscriptions/{id}: ends it now; its open first invoice is voided."""
    for name in ("invoice_now", "prorate"):
        if params.get(name):
            raise NotModelled(f"{name} on canceling", param=name)
    subscription = work.edit(KIND, subscription_id)
    if subscription["ended_at"] is not None:
        raise ResourceMissing("subscription", subscription_id)
    details = subscription["cancellation_details"]
    details["reason"] = "cancellation_requested"
    _note_details(details, params.get("cancellation_details", {}))
    was_incomplete = subscription["status"] == "incomplete"
    subscription.update(
        status="incomplete_expired" if was_incomplete else "canceled",
        canceled_at=subscription["canceled_at"] or work.now,
        ended_at=work.now,
    )
    if was_incomplete:
        invoices.void(work, {}, subscription["latest_invoice"])
    work.emit("customer.subscription.deleted", subscription)
    return subscription


def delete_customer(work: Work, _params: Obj, customer_id: str) -> Obj:
    """DELETE /v1/customers/{id}: ends its subscriptions at once and leaves a stub."""
    customer = work.edit("customer", customer_id)
    for subscription in list(work.all(KIND)):
        if subscription["customer"] == customer_id and subscription["ended_at"] is None:
            cancel(work, {}, subscription["id"])
    work.emit("customer.deleted", customer)
    return work.add("customer", {"id": customer_id, "object": "customer", "deleted": True})


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/subscriptions: without `status` all that have not ended; `all`, `ended` or one status."""
    status = params.get("status")
    for subscription in where(work.all(KIND), params, "customer", "collection_method"):
        if _has_status(subscription, status) and _has_items(subscription, params):
            yield subscription


def priced_items(work: Work, items: list[Obj], param: str) -> list[tuple[Obj, int, Obj]]:
    """The items to subscribe to: recurring, active prices of one currency, with their quantities."""
    result: list[tuple[Obj, int, Obj]] = []
    for index, item in enumerate(items):
        here = f"{param}[{index}]"
        modelled(item, {"price", "quantity", "metadata"}, param)
        if "price" not in item:
            raise InvalidRequest(
                f"Missing required param: {here}[price].", code="parameter_missing", param=f"{here}[price]"
            )
        price = work.read("price", item["price"], param=f"{here}[price]")
        if not price["active"]:
            raise InvalidRequest(
                "The price specified is inactive. This field only accepts active prices.",
                param=f"{here}[price]",
            )
        result.append((price, item.get("quantity", 1), new_metadata(item.get("metadata"))))
    if len({price["currency"] for price, _, _ in result}) > 1:
        raise InvalidRequest("All prices on a subscription must have the same currency.", param=param)
    return result


def trial_end_after(work: Work, days: int | None, end: Any, param: str) -> int | None:
    """When a trial ends (UTC seconds), from a number of days or a time; None without a trial."""
    if days is not None and end is not None:
        raise InvalidRequest("You can only pass one of trial_period_days and trial_end.", param=param)
    if end == "now" or (days is None and end is None):
        return None
    until: int = work.now + days * 86400 if days is not None else end
    if days == 0:
        return None
    if not work.now < until <= work.now + _LONGEST_TRIAL:
        raise InvalidRequest("A trial ends in the future, at most 730 days from now.", param=param)
    return until


def _start_from(work: Work, params: Obj) -> Start:
    if "customer" not in params:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = work.edit("customer", params["customer"], param="customer")
    if not params.get("items"):
        raise InvalidRequest("Missing required param: items.", code="parameter_missing", param="items")
    items = priced_items(work, params["items"], "items")
    for index, (price, _, _) in enumerate(items):
        if price["recurring"] is None:
            raise InvalidRequest(
                "The price specified is set to `type=one_time` but this field only accepts prices with "
                "`type=recurring`.",
                param=f"items[{index}][price]",
            )
    return Start(
        customer=customer["id"],
        items=items,
        metadata=new_metadata(params.get("metadata")),
        trial_end=trial_end_after(work, params.get("trial_period_days"), params.get("trial_end"), "trial_period_days"),
        default_payment_method=_own_method(work, customer["id"], params.get("default_payment_method")),
        description=params.get("description"),
        automatic_tax=params.get("automatic_tax", {}).get("enabled", False),
        trial_settings=params.get("trial_settings"),
        payment_settings=params.get("payment_settings"),
        billing_mode=params.get("billing_mode"),
    )


def _own_method(work: Work, customer_id: str, method_id: str | None) -> str | None:
    if not method_id:
        return None
    method = work.read("payment_method", method_id, param="default_payment_method")
    if method["customer"] != customer_id:
        raise InvalidRequest(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must "
            "be attached to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )
    return method_id


def _set_currency(work: Work, subscription: Obj) -> None:
    """A customer's currency is fixed by its first subscription; a second currency is refused."""
    customer = work.edit("customer", subscription["customer"])
    if customer["currency"] not in (None, subscription["currency"]):
        raise InvalidRequest(
            "You cannot combine currencies on a single customer. This customer has an active subscription, "
            f"discount, or invoice items with currency {customer['currency']}.",
        )
    customer["currency"] = subscription["currency"]


def _schedule_cancellation(work: Work, subscription: Obj, params: Obj) -> None:
    _note_details(subscription["cancellation_details"], params.get("cancellation_details", {}))
    if "cancel_at" in params and params.get("cancel_at_period_end"):
        raise InvalidRequest("Only one of cancel_at and cancel_at_period_end can be given.", param="cancel_at")
    if "cancel_at_period_end" in params:
        _cancel_at_period_end(work, subscription, wanted=params["cancel_at_period_end"])
    if "cancel_at" in params:
        _cancel_at(work, subscription, params["cancel_at"])


def _cancel_at_period_end(work: Work, subscription: Obj, *, wanted: bool) -> None:
    end = max(item["current_period_end"] for item in subscription["items"]["data"])
    _set_cancellation(work, subscription, end if wanted else None)
    subscription["cancel_at_period_end"] = wanted


def _cancel_at(work: Work, subscription: Obj, given: Any) -> None:
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    if given == "max_billed_until":
        raise NotModelled("cancel_at=max_billed_until", param="cancel_at")
    when = {"min_period_end": min(ends), "max_period_end": max(ends), "": None}.get(given, given)
    if when is not None and when <= work.now:
        raise InvalidRequest("`cancel_at` must be in the future.", param="cancel_at")
    _set_cancellation(work, subscription, when)
    subscription["cancel_at_period_end"] = False


def _set_cancellation(work: Work, subscription: Obj, when: int | None) -> None:
    subscription["cancel_at"] = when
    subscription["canceled_at"] = work.now if when else None
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if when else None


def _note_details(details: Obj, given: Obj) -> None:
    if "feedback_option" in given:
        raise NotModelled("feedback options", param="cancellation_details[feedback_option]")
    for name in ("comment", "feedback"):
        if name in given:
            details[name] = cleared(given[name])


def _has_status(subscription: Obj, wanted: str | None) -> bool:
    if wanted == "all":
        return True
    ended = subscription["status"] in ("canceled", "incomplete_expired")
    if wanted == "ended":
        return ended
    return not ended if wanted is None else bool(subscription["status"] == wanted)


def _has_items(subscription: Obj, params: Obj) -> bool:
    items = subscription["items"]["data"]
    price = params.get("price") or params.get("plan")
    if price is not None and all(item["price"]["id"] != price for item in items):
        return False
    return all(
        any(in_range(item[name], params.get(name)) for item in items)
        for name in ("current_period_start", "current_period_end")
    )
