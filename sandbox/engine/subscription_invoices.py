"""The invoices of a subscription: what goes on them, and whether they advance by themselves.

In flexible billing mode what is pending for the customer rides every invoice of the subscription.
"""

from . import (
    agenda,
    collection,
    invoice_automation,
    invoice_items,
    invoices,
    subscription_discounts,
    usage_lines,
)
from .billing_cycles import first_end, roll
from .invoice_automation import HOUR
from .invoice_body import Draft, invoice_body
from .invoice_item_lines import line_of
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
    takes_pending: bool = True,
) -> Draft:
    """What bills these items for their current periods, and what is pending.

    `at_once`: whoever asks for it finalizes it. Those of an unpaid subscription, and of one whose collection is
    paused, stay drafts.
    """
    paused = subscription["pause_collection"]
    kept = subscription["status"] == "unpaid" or (paused is not None and paused["behavior"] == "keep_as_draft")
    draft = Draft(
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
        terms=subscription_discounts.invoice_terms(work, subscription),
        item_terms=subscription_discounts.item_terms(work, subscription),
    )
    if takes_pending:
        take_pending(work, draft, invoice_items.pending(work, subscription["customer"], subscription["id"]))
    return draft


def of_pending(
    work: Work, subscription: Obj, reason: str, *, with_usage: bool, invoice_id: str | None = None
) -> Draft | None:
    """What bills only what is pending for the subscription, and its usage up to now; None when that is nothing."""
    items = subscription["items"]["data"]
    draft = of_items(work, subscription, [], reason, invoice_id=invoice_id or work.new_id("in"))
    if with_usage and usage_lines.has_usage(work, subscription):
        draft.lines += usage_lines.of_periods(work, draft.id, subscription, items, work.now)
    return draft if draft.lines else None


def latest(subscription: Obj, draft: Draft) -> Draft | None:
    """The draft, which the subscription now names as its latest invoice; None for one without lines.

    Metered items have no lines ahead, and an invoice that would be empty is not made (docs.stripe.com/billing/
    subscriptions/billing-mode/compare). The same of a trial's end and of a resumption is assumed.
    """
    if not draft.lines:
        return None
    subscription["latest_invoice"] = draft.id
    return draft


def take_pending(work: Work, draft: Draft, items: list[Obj]) -> None:
    """Puts the lines of pending items on a draft; they are taken when it is."""
    draft.lines += [line_of(work, draft.id, item) for item in items]
    draft.pending += [item["id"] for item in items]


def issue(work: Work, subscription: Obj, draft: Draft) -> None:
    """Takes a draft in that waits for its hour. While collection is paused, it ends as the pause says."""
    invoice = invoices.draft(work, draft)
    paused = subscription["pause_collection"]
    if paused is None or paused["behavior"] == "keep_as_draft":
        return
    agenda.drop(work, "invoice.finalize", invoice["id"])
    if not invoices.finalize_by_itself(work, invoice["id"]):
        return
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


def upcoming(work: Work, subscription: Obj, *, recurring: bool = False) -> Obj | None:
    """The invoice of the next renewal as it would be made then, or None when none will come; it is not taken in.

    `recurring`: only what the items cost every time. The contract wants an id; Stripe's own events have none.
    """
    now, then = work.now, first_end(subscription)
    ahead = copied(subscription)
    ended = [item for item in ahead["items"]["data"] if item["current_period_end"] <= then]
    begun = min(item["current_period_start"] for item in ended)
    invoice_id = work.new_id("upcoming")
    free = recurring or ahead["status"] == "trialing"
    used = [] if free else usage_lines.of_periods(work, invoice_id, ahead, ended)
    if ahead["status"] == "trialing":
        ahead["status"] = "active"
    work.now = then
    try:
        items = roll(ahead, then)
        draft = of_items(
            work,
            ahead,
            items,
            "upcoming",
            invoice_id=invoice_id,
            period_start=begun,
            takes_pending=not recurring,
        )
        draft.lines = used + draft.lines
        return invoice_body(work, draft) if draft.lines or recurring else None
    finally:
        work.now = now
