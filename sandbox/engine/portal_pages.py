"""What a customer does on the pages of the billing portal, within what its configuration allows.

A session's address works for an hour of the customer's time (assumed: Stripe ends it after an hour without use).
"""

from dataclasses import dataclass

from ..errors import InvalidRequest, ResourceMissing
from . import (
    cancellation,
    checkout_methods,
    customers,
    invoices,
    payment_methods,
    portal_configurations,
    portal_sessions,
    setup_intents,
    subscriptions,
)
from .billing_cycles import last_end
from .checkout_methods import BankEntry, CardEntry, PayPalEntry
from .work import Obj, Work

KIND = portal_sessions.KIND
_LIFETIME = 3600
_DETAILS = ("name", "email", "phone")


@dataclass(frozen=True, slots=True)
class Visit:
    """An open session with its configuration's features and its customer."""

    session: Obj
    features: Obj
    customer: Obj

    @property
    def flow(self) -> Obj | None:
        """What the session is for, until that is done."""
        return None if self.session.get("_", {}).get("flow_done") else self.session["flow"]


def visit(work: Work, session_id: str) -> Visit:
    """The session for its page; ResourceMissing for none, InvalidRequest portal_session_expired when it is over."""
    session = work.read(KIND, session_id)
    if work.now >= session["created"] + _LIFETIME:
        raise InvalidRequest("This portal session has expired.", code="portal_session_expired")
    features = work.read(portal_configurations.KIND, session["configuration"])["features"]
    return Visit(session, features, work.edit("customer", session["customer"]))


def living(work: Work, customer_id: str) -> list[Obj]:
    """The customer's subscriptions that have not ended, newest first."""
    return [
        found for found in work.all(subscriptions.KIND) if found["customer"] == customer_id and not found["ended_at"]
    ]


def methods(work: Work, customer_id: str) -> list[Obj]:
    """The customer's payment methods, newest first."""
    return [method for method in work.all(payment_methods.KIND) if method["customer"] == customer_id]


def bills(work: Work, customer_id: str) -> list[Obj]:
    """The customer's finalized invoices, newest first."""
    return [
        invoice
        for invoice in work.all(invoices.KIND)
        if invoice["customer"] == customer_id and invoice["status"] != "draft"
    ]


def cancel(work: Work, session_id: str, subscription_id: str, reason: str | None) -> Obj:
    """Ends a subscription as the configuration says: at the end of its period (by `cancel_at`), or now."""
    found = visit(work, session_id)
    feature = _feature(found, "subscription_cancel")
    subscription = _own(work, found, subscription_id)
    details = {"feedback": reason} if reason else {}
    if feature["mode"] == "at_period_end":
        until = max(last_end(subscription), subscription["trial_end"] or 0)
        params = {"cancel_at": until, "proration_behavior": "none", "cancellation_details": details}
        return subscriptions.update(work, params, subscription_id)
    behavior = feature["proration_behavior"]
    return cancellation.cancel(
        work,
        {
            "prorate": behavior != "none",
            "invoice_now": behavior == "always_invoice",
            "cancellation_details": details,
        },
        subscription_id,
    )


def keep(work: Work, session_id: str, subscription_id: str) -> Obj:
    """Takes a cancellation back that has not come about."""
    found = visit(work, session_id)
    _feature(found, "subscription_cancel")
    subscription = _own(work, found, subscription_id)
    name = "cancel_at_period_end" if subscription["cancel_at_period_end"] else "cancel_at"
    return subscriptions.update(work, {name: False if name == "cancel_at_period_end" else ""}, subscription_id)


def plans(work: Work, found: Visit) -> list[Obj]:
    """The active prices that the configuration lets the customer change to, in its order."""
    feature = found.features["subscription_update"]
    if not feature["enabled"] or "price" not in feature["default_allowed_updates"]:
        return []
    ids = [price_id for product in feature.get("products") or [] for price_id in product["prices"]]
    prices = [work.read("price", price_id) for price_id in dict.fromkeys(ids)]
    return [price for price in prices if price["active"]]


def change_plan(work: Work, session_id: str, subscription_id: str, price_id: str) -> Obj:
    """Moves a subscription of one item to another of the configured prices; the subscription then.

    CardRefused when it is billed at once and the payment is refused.
    """
    found = visit(work, session_id)
    feature = _feature(found, "subscription_update")
    subscription = _own(work, found, subscription_id)
    if all(price["id"] != price_id for price in plans(work, found)):
        raise InvalidRequest("This plan is not offered.", param="price")
    item = subscription["items"]["data"][0]
    change = {"id": item["id"], "price": price_id}
    if "quantity" in item:
        change["quantity"] = item["quantity"]
    params: Obj = {"items": [change], "proration_behavior": feature["proration_behavior"]}
    if feature.get("billing_cycle_anchor"):
        params["billing_cycle_anchor"] = {"type": feature["billing_cycle_anchor"]}
    if subscription["status"] == "trialing" and feature["trial_update_behavior"] == "end_trial":
        params["trial_end"] = "now"
    return subscriptions.update(work, params, subscription_id)


def add_method(work: Work, session_id: str, entry: CardEntry | BankEntry | PayPalEntry, name: str | None) -> Obj:
    """Saves what was typed, by a setup intent: succeeded, or requires_action when the payer is asked elsewhere.

    CardRefused when the method refuses.
    """
    found = visit(work, session_id)
    _feature(found, "payment_method_update")
    payer = {"name": name, "email": found.customer["email"]}
    method = checkout_methods.new_method(work, entry, payer)
    method["billing_details"].update(payer)
    method["allow_redisplay"] = "always"
    intent = setup_intents.create(work, found.customer["id"])
    intent["_"]["return_url"] = f"{work.public_url}/p/session/{session_id}/payment-methods/added"
    intent = setup_intents.confirm(work, intent["id"], method["id"])
    if intent["status"] == "requires_payment_method":
        raise setup_intents.refusal_of(intent)
    if intent["status"] == "succeeded":
        make_default(work, session_id, method["id"])
    return intent


def method_added(work: Work, session_id: str, intent_id: str) -> bool:
    """The payer is back from where he was asked: whether the method was saved; it is the default then."""
    found = visit(work, session_id)
    intent = work.read(setup_intents.KIND, intent_id)
    if intent["customer"] != found.customer["id"] or intent["status"] != "succeeded":
        return False
    make_default(work, session_id, intent["payment_method"])
    return True


def make_default(work: Work, session_id: str, method_id: str) -> None:
    """The method pays from now on: the customer's default, and that of subscriptions that have one of their own."""
    found = visit(work, session_id)
    _feature(found, "payment_method_update")
    _own_method(work, found, method_id)
    customers.update(work, {"invoice_settings": {"default_payment_method": method_id}}, found.customer["id"])
    for subscription in living(work, found.customer["id"]):
        if subscription["default_payment_method"] not in (None, method_id):
            subscriptions.update(work, {"default_payment_method": method_id}, subscription["id"])


def may_remove(work: Work, customer: Obj, method_id: str) -> bool:
    """Whether a method can go: not the default while something is subscribed to."""
    default = customer["invoice_settings"]["default_payment_method"]
    plans_alive = living(work, customer["id"])
    used = {default, *(plan["default_payment_method"] for plan in plans_alive)}
    return not plans_alive or method_id not in used


def remove_method(work: Work, session_id: str, method_id: str) -> None:
    """Detaches a method for good."""
    found = visit(work, session_id)
    _feature(found, "payment_method_update")
    _own_method(work, found, method_id)
    if not may_remove(work, found.customer, method_id):
        raise InvalidRequest("A subscription is paid with this method.", param="method")
    payment_methods.detach(work, {}, method_id)


def change_details(work: Work, session_id: str, given: Obj) -> None:
    """Name, e-mail and telephone number, as far as the configuration allows."""
    found = visit(work, session_id)
    allowed = details_allowed(found)
    wanted = {name: value for name, value in given.items() if name in allowed}
    if "email" in wanted and not wanted["email"]:
        raise InvalidRequest("Enter a valid e-mail address.", param="email")
    customers.update(work, wanted, found.customer["id"])


def details_allowed(found: Visit) -> list[str]:
    """What of name, email and phone the customer may change."""
    feature = found.features["customer_update"]
    return [name for name in _DETAILS if feature["enabled"] and name in feature["allowed_updates"]]


def finish_flow(work: Work, session_id: str) -> None:
    """What the session was for is done; from now on its address shows the whole portal."""
    work.edit(KIND, session_id).setdefault("_", {})["flow_done"] = True


def _feature(found: Visit, name: str) -> Obj:
    feature: Obj = found.features[name]
    if not feature["enabled"]:
        raise InvalidRequest("The portal's configuration does not allow this.", code="portal_not_allowed")
    return feature


def _own(work: Work, found: Visit, subscription_id: str) -> Obj:
    subscription = work.read(subscriptions.KIND, subscription_id)
    if subscription["customer"] != found.customer["id"] or subscription["ended_at"] is not None:
        raise ResourceMissing(subscriptions.KIND, subscription_id)
    return subscription


def _own_method(work: Work, found: Visit, method_id: str) -> Obj:
    method = work.read(payment_methods.KIND, method_id)
    if method["customer"] != found.customer["id"]:
        raise ResourceMissing("PaymentMethod", method_id)
    return method
