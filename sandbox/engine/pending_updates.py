"""Updates that wait for their payment (`payment_behavior` pending_if_incomplete).

The subscription stays as it is until the invoice of the change is paid; then the change is applied as it was
billed. It is dropped, and its invoice voided, after 23 hours, and before that with the period that it was made
in (assumed), with another change of plan (assumed), or when its invoice is voided.
Source: docs.stripe.com/billing/subscriptions/pending-updates.
"""

from ..errors import NotModelled
from . import agenda, billing_cycles, invoices
from .work import Obj, Work, copied

KIND = "subscription"
EXPIRE = "subscription.pending_update_expire"
_SECONDS = 23 * 3600
_KNOWN = {
    "add_invoice_items", "billing_cycle_anchor", "expand", "items", "metadata", "off_session", "payment_behavior",
    "proration_behavior", "proration_date",
}  # fmt: skip
_HELD = ("billing_cycle_anchor", "billing_cycle_anchor_config", "cancel_at", "items", "metadata")


def check(params: Obj) -> None:
    """NotModelled for what cannot wait here."""
    for name in params:
        if name not in _KNOWN:
            raise NotModelled(f"{name} in a pending update", param=name)
    for name in ("add_invoice_items", "items"):
        for index, item in enumerate(params.get(name, [])):
            if "discounts" in item:
                raise NotModelled("discounts in a pending update", param=f"{name}[{index}][discounts]")


def hold(subscription: Obj, before: Obj, invoice_id: str) -> None:
    """Takes a change that was made back, until that invoice is paid."""
    after = {name: copied(subscription[name]) for name in _HELD}
    subscription.update({name: copied(before[name]) for name in _HELD})
    subscription["latest_invoice"] = invoice_id
    subscription["_"]["pending_change"] = {"after": after, "invoice": invoice_id}


def show(work: Work, subscription: Obj, before: Obj) -> None:
    """The payment did not come at once: the update is pending; customer.subscription.updated."""
    after = subscription["_"]["pending_change"]["after"]
    expires_at = min(work.now + _SECONDS, max(billing_cycles.first_end(before) - 1, work.now))
    moved = after["billing_cycle_anchor"] != subscription["billing_cycle_anchor"]
    subscription["pending_update"] = {
        "billing_cycle_anchor": after["billing_cycle_anchor"] if moved else None,
        "cancel_at_period_end": None,
        "discount": None,
        "discounts": None,
        "expires_at": expires_at,
        "metadata": copied(after["metadata"]) if after["metadata"] != subscription["metadata"] else None,
        "subscription_items": copied(after["items"]["data"]),
        "trial_end": None,
        "trial_from_plan": None,
    }
    agenda.put(work, EXPIRE, subscription["id"], expires_at)
    work.emit_updated("customer.subscription.updated", before, subscription)


def waits_for(subscription: Obj, invoice: Obj) -> bool:
    """Whether that invoice's payment applies a pending update."""
    change = subscription.get("_", {}).get("pending_change")
    return change is not None and change["invoice"] == invoice["id"]


def settle(work: Work, subscription: Obj, invoice: Obj) -> None:
    """The invoice was paid, voided or written off: the update is applied in the first case, else dropped."""
    before = copied(subscription)
    change = subscription["_"].pop("pending_change")
    agenda.drop(work, EXPIRE, subscription["id"])
    told = subscription["pending_update"] is not None
    subscription["pending_update"] = None
    paid = invoice["status"] == "paid"
    if paid:
        subscription.update(change["after"])
        billing_cycles.schedule(work, subscription)
    work.emit_updated("customer.subscription.updated", before, subscription)
    if told:
        name = "pending_update_applied" if paid else "pending_update_expired"
        work.emit(f"customer.subscription.{name}", subscription)


def drop(work: Work, subscription: Obj) -> None:
    """Drops what is pending, if anything is; its invoice is voided."""
    change = subscription["_"].get("pending_change")
    if change is None:
        return
    invoice = work.edit(invoices.KIND, change["invoice"])
    if invoice["status"] in ("open", "uncollectible"):
        invoices.void(work, invoice["id"])
    settle(work, subscription, invoice)


def expire_due(work: Work, subscription_id: str) -> None:
    """The agenda's, when nobody has paid in time."""
    drop(work, work.edit(KIND, subscription_id))
