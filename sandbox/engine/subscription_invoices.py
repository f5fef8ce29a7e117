"""The invoices of a subscription: what goes on them, and whether they advance by themselves."""

from . import agenda, collection, invoice_automation, invoices
from .billing_cycles import first_end, roll
from .invoice_automation import HOUR
from .invoice_body import Draft, invoice_body
from .invoice_lines import lines_of_items
from .work import Obj, Work, copied


def of_items(
    work: Work,
    subscription: Obj,
    items: list[Obj],
    reason: str,
    *,
    invoice_id: str,
    period_start: int | None = None,
    at_once: bool = False,
    prorates: bool = True,
) -> Draft:
    """What bills these items for their current periods.

    `at_once`: whoever asks for it finalizes it. Those of an unpaid subscription, and of one whose collection is
    paused, stay drafts.
    """
    paused = subscription["pause_collection"]
    kept = subscription["status"] == "unpaid" or (paused is not None and paused["behavior"] == "keep_as_draft")
    return Draft(
        id=invoice_id,
        customer=work.read("customer", subscription["customer"]),
        currency=subscription["currency"],
        reason=reason,
        lines=lines_of_items(work, invoice_id, subscription, items, prorates=prorates),
        subscription=subscription,
        period_start=period_start,
        collection_method=subscription["collection_method"],
        days_until_due=subscription["days_until_due"],
        auto_advance=not kept,
        finalizes_at=None if kept or at_once else work.now + HOUR,
    )


def issue(work: Work, subscription: Obj, draft: Draft) -> None:
    """Takes a draft in that waits for its hour. While collection is paused, it ends as the pause says."""
    invoice = invoices.draft(work, draft)
    paused = subscription["pause_collection"]
    if paused is None or paused["behavior"] == "keep_as_draft":
        return
    agenda.drop(work, "invoice.finalize", invoice["id"])
    invoices.finalize(work, invoice["id"])
    if invoice["amount_due"] == 0:
        collection.settle(work, invoice["id"])
    elif paused["behavior"] == "void":
        invoices.void(work, invoice["id"])
    else:
        invoices.mark_uncollectible(work, invoice["id"], "subscription_paused")


def issue_now(work: Work, draft: Draft) -> Obj:
    """Takes a draft in and finalizes it at once; it is collected by whoever asked, $0 is paid."""
    invoice = invoices.draft(work, draft)
    invoices.finalize(work, invoice["id"])
    if invoice["amount_due"] == 0:
        collection.settle(work, invoice["id"])
    elif invoice["collection_method"] == "send_invoice":
        invoice_automation.advance(work, invoice["id"])
    return invoice


def upcoming(work: Work, subscription: Obj) -> Obj:
    """The invoice of the next renewal as it would be made then; it is not taken in.

    The contract wants an id; Stripe's own events have none.
    """
    now, then = work.now, first_end(subscription)
    ahead = copied(subscription)
    ended = [item for item in ahead["items"]["data"] if item["current_period_end"] <= then]
    begun = min(item["current_period_start"] for item in ended)
    if ahead["status"] == "trialing":
        ahead["status"] = "active"
    work.now = then
    try:
        items, invoice_id = roll(ahead, then), work.new_id("upcoming")
        draft = of_items(work, ahead, items, "upcoming", invoice_id=invoice_id, period_start=begun)
        return invoice_body(work, draft)
    finally:
        work.now = now
