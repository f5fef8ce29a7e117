"""How a subscription ends: what becomes of it, of what waits for it and of its invoices."""

from . import agenda, invoices, schedule_states
from .work import Obj, Work

_ENTRIES = (
    "subscription.renew", "subscription.upcoming", "subscription.trial_will_end", "subscription.expire",
    "subscription.cancel", "subscription.resume_collection", "subscription.resumption_expire",
    "subscription.pending_update_expire",
)  # fmt: skip


def end(work: Work, subscription: Obj, reason: str | None) -> Obj:
    """-> canceled, now; emits customer.subscription.deleted.

    An incomplete one ends as incomplete_expired and its first invoice is voided. Of the others, drafts and open
    invoices are left as they are and no longer collected (assumed: those of the subscription, not all of the
    customer's).
    """
    was_incomplete = subscription["status"] == "incomplete"
    _close(work, subscription, "incomplete_expired" if was_incomplete else "canceled", reason)
    if was_incomplete:
        _void_first(work, subscription)
    work.emit("customer.subscription.deleted", subscription)
    return subscription


def expire(work: Work, subscription: Obj) -> None:
    """incomplete -> incomplete_expired after 23 hours, its invoice voided; customer.subscription.updated."""
    former = {"status": subscription["status"], "canceled_at": None, "ended_at": None}
    _close(work, subscription, "incomplete_expired", None)
    _void_first(work, subscription)
    work.emit("customer.subscription.updated", subscription, former)


def _void_first(work: Work, subscription: Obj) -> None:
    """Voids the unpaid first invoice, unless somebody has done that before."""
    if work.read(invoices.KIND, subscription["latest_invoice"])["status"] in ("open", "uncollectible"):
        invoices.void(work, subscription["latest_invoice"])


def _close(work: Work, subscription: Obj, status: str, reason: str | None) -> None:
    subscription["_"].pop("pending_change", None)
    subscription["pending_update"] = None
    if reason is not None:
        subscription["cancellation_details"]["reason"] = reason
    subscription.update(status=status, canceled_at=subscription["canceled_at"] or work.now, ended_at=work.now)
    schedule_states.subscription_ended(work, subscription)
    for what in _ENTRIES:
        agenda.drop(work, what, subscription["id"])
    for invoice in list(invoices.of_subscription(work, subscription["id"])):
        if invoice["status"] in ("draft", "open") and invoice["auto_advance"]:
            invoices.stop_collecting(work, invoice["id"])
