"""How the invoice of an update is paid, by its `payment_behavior`."""

from . import collection, payment_intents, pending_updates, subscription_invoices
from .invoice_body import Draft
from .work import Obj, Work, copied


def collect(work: Work, subscription: Obj, invoice: Obj, behavior: str) -> None:
    """Tries to pay an open invoice that an update made; one that is paid or sent is left as it is.

    `default_incomplete` leaves it to the payer, the subscription is past_due until then; allow_incomplete tries,
    a refusal makes it past_due. CardRefused, with nothing kept, for error_if_incomplete.
    """
    if invoice["status"] != "open" or invoice["collection_method"] != "charge_automatically":
        return
    if behavior == "default_incomplete":
        before = copied(subscription)
        subscription["status"] = "past_due"
        work.emit_updated("customer.subscription.updated", before, subscription)
        return
    method_id = collection.method_of(work, invoice)
    if behavior != "error_if_incomplete" and method_id is None:
        collection.fail(work, invoice["id"], automatic=True)
        return
    intent = collection.collect(work, invoice["id"], method_id or collection.default_method(work, invoice))
    if intent["status"] not in ("succeeded", "processing") and behavior == "error_if_incomplete":
        refusal = payment_intents.refusal_of(work, intent)
        refusal.keeps_changes = False
        raise refusal


def collect_first(work: Work, subscription: Obj, before: Obj, draft: Draft) -> None:
    """Bills a change that was made on the working copy, and lets it count only once that is paid."""
    pending_updates.hold(subscription, before, draft.id)
    invoice = subscription_invoices.issue_now(work, draft)
    if invoice["status"] == "open":
        method_id = collection.method_of(work, invoice)
        if method_id is None:
            collection.fail(work, invoice["id"], automatic=True)
        else:
            collection.collect(work, invoice["id"], method_id)
    if pending_updates.waits_for(subscription, invoice):
        pending_updates.show(work, subscription, before)
