"""Renewals: at the end of an item's period the next one begins, and an invoice bills it.

Items whose periods end together share an invoice; mixed intervals make invoices of their own
(docs.stripe.com/billing/subscriptions/mixed-interval).
"""

from . import billing_cycles, cancellation, schedule_phases, subscription_invoices, trials, usage_lines
from .work import Obj, Work, copied

KIND = "subscription"


def renew(work: Work, subscription_id: str) -> None:
    """The agenda's, at the end of the first period to end."""
    subscription = work.edit(KIND, subscription_id)
    schedule_phases.reach(work, subscription)
    if subscription["ended_at"] is not None:
        return
    cancel_at = subscription["cancel_at"]
    if cancel_at is not None and cancel_at <= work.now:
        cancellation.cancel_due(work, subscription_id)
    elif subscription["status"] == "trialing":
        trials.finish(work, subscription)
    else:
        _renew(work, subscription)


def announce(work: Work, subscription_id: str) -> None:
    """The agenda's, some days before a renewal: invoice.upcoming, unless nothing will be collected."""
    subscription = work.read(KIND, subscription_id)
    ends = subscription["cancel_at"]
    if ends is not None and ends <= billing_cycles.first_end(subscription):
        return
    if subscription["pause_collection"] is None:
        found = subscription_invoices.upcoming(work, subscription)
        if found is not None:
            work.emit("invoice.upcoming", found)


def _renew(work: Work, subscription: Obj) -> None:
    before = copied(subscription)
    ended = [item for item in before["items"]["data"] if item["current_period_end"] <= work.now]
    if not ended:
        # A change of plan at this very second has begun and billed the next period.
        billing_cycles.schedule(work, subscription)
        return
    items = billing_cycles.roll(subscription, work.now)
    invoice_id = subscription["latest_invoice"] = work.new_id("in")
    used = usage_lines.of_periods(work, invoice_id, subscription, ended)
    draft = subscription_invoices.of_items(
        work,
        subscription,
        items,
        "subscription_cycle",
        invoice_id=invoice_id,
        period_start=min(item["current_period_start"] for item in ended),
    )
    draft.lines = used + draft.lines
    work.emit_updated("customer.subscription.updated", before, subscription)
    subscription_invoices.issue(work, subscription, draft)
    billing_cycles.schedule(work, subscription)
