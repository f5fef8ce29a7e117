"""The setup intent of a subscription that begins without a payment (docs.stripe.com/billing/subscriptions/
deferred-payment): by it the payer's method is saved, or authenticated, before the first invoice that wants one.

It is left as it is when the subscription ends, as Stripe does.
"""

from . import payment_methods, setup_intents
from .work import Obj, Work, copied

KIND = "subscription"


def begin(work: Work, subscription: Obj) -> None:
    """Sets `pending_setup_intent` where nobody can be charged yet, or the method wants to be authenticated first.

    Emits setup_intent.created; with a method also requires_action. Not for subscriptions whose invoices are sent.
    """
    if subscription["collection_method"] == "send_invoice":
        return
    own, customer = subscription["default_payment_method"], work.read("customer", subscription["customer"])
    method_id = own or customer["invoice_settings"]["default_payment_method"]
    if method_id is not None and not payment_methods.needs_authentication(work, method_id):
        return
    intent = setup_intents.create(work, customer["id"])
    intent["_"]["subscription"] = subscription["id"]
    subscription["pending_setup_intent"] = intent["id"]
    if method_id is not None:
        setup_intents.confirm(work, intent["id"], method_id)


def settle(work: Work, intent: Obj) -> None:
    """A setup intent was confirmed: when it has succeeded, the subscription that waits for it waits no more.

    With `save_default_payment_method` on_subscription the method becomes the subscription's default. Emits
    customer.subscription.updated.
    """
    subscription_id = intent.get("_", {}).get("subscription")
    if subscription_id is None or intent["status"] != "succeeded":
        return
    subscription = work.edit(KIND, subscription_id)
    if subscription["ended_at"] is not None:
        return
    before = copied(subscription)
    subscription["pending_setup_intent"] = None
    if subscription["payment_settings"]["save_default_payment_method"] == "on_subscription":
        subscription["default_payment_method"] = intent["payment_method"]
    work.emit_updated("customer.subscription.updated", before, subscription)
