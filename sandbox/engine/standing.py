"""What an invoice means for its subscription's status and for the customer's `delinquent`.

A subscription is past_due while its latest finalized invoice that was not voided is due and a try failed or its
date passed; it is active again when that invoice is paid or written off. From `unpaid` only its very latest
invoice leads back (docs.stripe.com/billing/subscriptions/overview, statuses).
"""

from collections.abc import Callable

from . import (
    account_settings,
    agenda,
    billing_cycles,
    endings,
    invoice_payments,
    invoices,
    payment_intents,
    pending_updates,
)
from .work import Obj, Work, copied

KIND = "subscription"


def settled(work: Work, invoice: Obj) -> None:
    """The invoice was paid, written off or voided."""
    if invoice["status"] != "void":
        _set_delinquent(work, invoice["customer"], wanted=False)
    subscription = _subscription(work, invoice)
    if subscription is None or subscription["ended_at"] is not None:
        return
    resumption = _resumption(subscription)
    if resumption is not None and resumption["invoice"] == invoice["id"]:
        _settle_resumption(work, subscription, invoice)
    elif pending_updates.waits_for(subscription, invoice):
        pending_updates.settle(work, subscription, invoice)
    elif invoice["status"] == "paid" and subscription["status"] == "incomplete":
        _change(work, subscription, lambda: _activate(work, subscription, invoice))
    elif _is_clear(work, subscription):
        _change(work, subscription, lambda: subscription.update(status="active"))


def processing(work: Work, invoice: Obj) -> None:
    """A debit that takes days has begun: an incomplete subscription is active already (assumed)."""
    subscription = _subscription(work, invoice)
    if subscription is not None and subscription["status"] == "incomplete":
        _change(work, subscription, lambda: _activate(work, subscription, invoice))


def failed(work: Work, invoice: Obj) -> None:
    """A try to collect the invoice failed, or its due date passed."""
    subscription = _subscription(work, invoice)
    if subscription is not None and pending_updates.waits_for(subscription, invoice):
        return
    _set_delinquent(work, invoice["customer"], wanted=True)
    if subscription is None:
        return
    resumption = _resumption(subscription)
    if resumption is not None and resumption["invoice"] == invoice["id"]:
        if resumption["on"] == "resume_on_payment_attempt":
            resume(work, subscription, "past_due")
    elif subscription["status"] == "active" and _latest_finalized(work, subscription) == invoice["id"]:
        _change(work, subscription, lambda: subscription.update(status="past_due"))


def given_up(work: Work, invoice: Obj) -> None:
    """The last try of the schedule failed: the subscription ends as the account's settings say."""
    subscription = _subscription(work, invoice)
    if subscription is None or subscription["status"] != "past_due":
        return
    ending = account_settings.current(work)["after_final_failure"]
    if ending == "cancel":
        endings.end(work, subscription, "payment_failed")
    elif ending == "unpaid":
        _change(work, subscription, lambda: subscription.update(status="unpaid"))


def resume(work: Work, subscription: Obj, status: str) -> None:
    """paused -> active or past_due, with the periods that the resumption begins; customer.subscription.resumed."""
    before = copied(subscription)
    resumption = subscription["_"].pop("resumption")
    agenda.drop(work, "subscription.resumption_expire", subscription["id"])
    subscription.pop("status_details", None)
    subscription["status"] = status
    subscription.update(resumption["anchor"])
    billing_cycles.begin(subscription, resumption["begin"])
    billing_cycles.schedule(work, subscription)
    work.emit_updated("customer.subscription.updated", before, subscription)
    work.emit("customer.subscription.resumed", subscription)


def pause(work: Work, subscription: Obj, reason: str) -> None:
    """-> paused: no periods and no invoices until it is resumed.

    Emits customer.subscription.updated and customer.subscription.paused.
    """
    before = copied(subscription)
    subscription["status"] = "paused"
    subscription["status_details"] = {
        "paused": {"subscription": {"type": reason}, "transitioned_at": work.now, "type": "subscription"}
    }
    agenda.drop(work, "subscription.trial_will_end", subscription["id"])
    billing_cycles.schedule(work, subscription)
    work.emit_updated("customer.subscription.updated", before, subscription)
    work.emit("customer.subscription.paused", subscription)


def _settle_resumption(work: Work, subscription: Obj, invoice: Obj) -> None:
    if invoice["status"] == "void":
        subscription["_"].pop("resumption")
        agenda.drop(work, "subscription.resumption_expire", subscription["id"])
    else:
        resume(work, subscription, "active")


def _activate(work: Work, subscription: Obj, invoice: Obj) -> None:
    subscription["status"] = "active"
    agenda.drop(work, "subscription.expire", subscription["id"])
    billing_cycles.schedule(work, subscription)
    intent = _paying_intent(work, invoice["id"])
    wants_default = subscription["payment_settings"]["save_default_payment_method"] == "on_subscription"
    if intent is not None and wants_default and subscription["default_payment_method"] is None:
        subscription["default_payment_method"] = intent["payment_method"]


def _is_clear(work: Work, subscription: Obj) -> bool:
    if subscription["status"] == "unpaid":
        return bool(work.read(invoices.KIND, subscription["latest_invoice"])["status"] in ("paid", "uncollectible"))
    if subscription["status"] != "past_due":
        return False
    latest = _latest_finalized(work, subscription)
    return latest is None or work.read(invoices.KIND, latest)["status"] in ("paid", "uncollectible")


def _latest_finalized(work: Work, subscription: Obj) -> str | None:
    for invoice in invoices.of_subscription(work, subscription["id"]):
        if invoice["status"] not in ("draft", "void"):
            return str(invoice["id"])
    return None


def _paying_intent(work: Work, invoice_id: str) -> Obj | None:
    payment = invoice_payments.of(work, invoice_id)
    if payment is None or payment["payment"]["type"] != "payment_intent":
        return None
    intent = work.read(payment_intents.KIND, payment["payment"]["payment_intent"])
    return intent if payment["status"] == "paid" or intent["status"] == "processing" else None


def _subscription(work: Work, invoice: Obj) -> Obj | None:
    subscription_id = invoices.subscription_of(invoice)
    return None if subscription_id is None else work.edit(KIND, subscription_id)


def _resumption(subscription: Obj) -> Obj | None:
    found: Obj | None = subscription.get("_", {}).get("resumption")
    return found


def _change(work: Work, subscription: Obj, change: Callable[[], None]) -> None:
    before = copied(subscription)
    change()
    work.emit_updated("customer.subscription.updated", before, subscription)


def _set_delinquent(work: Work, customer_id: str, *, wanted: bool) -> None:
    found = work.find("customer", customer_id)
    if found is None or found.get("deleted") or found["delinquent"] == wanted:
        return
    customer = work.edit("customer", customer_id)
    customer["delinquent"] = wanted
    work.emit("customer.updated", customer, {"delinquent": not wanted})
