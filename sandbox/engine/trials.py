"""Trials: announced three days ahead, and ended in one of three ways when nobody can pay."""

from typing import Any

from ..errors import InvalidRequest, NotModelled
from . import (
    agenda,
    billing_cycles,
    endings,
    proration_items,
    standing,
    subscription_invoices,
    update_payments,
)
from .fields import inside, non_negative
from .invoice_body import Draft
from .periods import DAY
from .work import Obj, Work, copied

KIND = "subscription"
_LONGEST = 730 * DAY
_AHEAD = 3 * DAY


def end_after(work: Work, days: int | None, end: Any, path: str = "") -> int | None:
    """When a trial ends (UTC seconds), from `trial_period_days` or `trial_end` at that path; None without a trial.

    InvalidRequest for both of them, a number of days below zero, and a time that is past or too far.
    """
    param = inside(path, "trial_end" if days is None else "trial_period_days")
    if days is not None and end is not None:
        raise InvalidRequest("You can only pass one of trial_period_days and trial_end.", param=param)
    if end == "now" or (days is None and end is None):
        return None
    until: int = work.now + non_negative(days, param) * DAY if days is not None else end
    if days == 0:
        return None
    if not work.now < until <= work.now + _LONGEST:
        raise InvalidRequest("A trial ends in the future, at most 730 days from now.", param=param)
    return until


def announce(work: Work, subscription: Obj) -> None:
    """Puts trial_will_end three days before the end; a trial that is shorter is announced at once."""
    agenda.drop(work, "subscription.trial_will_end", subscription["id"])
    if subscription["status"] != "trialing":
        return
    at = subscription["trial_end"] - _AHEAD
    if at <= work.now:
        work.emit("customer.subscription.trial_will_end", subscription)
    else:
        agenda.put(work, "subscription.trial_will_end", subscription["id"], at)


def will_end(work: Work, subscription_id: str) -> None:
    """The agenda's, three days before the end."""
    work.emit("customer.subscription.trial_will_end", work.read(KIND, subscription_id))


def finish(work: Work, subscription: Obj) -> None:
    """A trial has run its time: the first paid period begins, its invoice waits for an hour as every renewal's.

    Without a payment method: canceled, paused, or active all the same (create_invoice; its payment will fail).
    """
    if _ends_otherwise(work, subscription):
        return
    before = copied(subscription)
    draft = _begin_paying(work, subscription, "subscription_cycle", at_once=False)
    work.emit_updated("customer.subscription.updated", before, subscription)
    if draft is not None:
        subscription_invoices.issue(work, subscription, draft)
    billing_cycles.schedule(work, subscription)


def change(work: Work, subscription: Obj, params: Obj) -> None:
    """Update's `trial_end`: "now" ends a trial, a time (UTC seconds) moves its end or begins one. Announces it.

    CardRefused when the payment of the trial's end is refused and `payment_behavior` is error_if_incomplete.
    """
    wanted = params["trial_end"]
    if subscription["status"] not in ("trialing", "active", "past_due"):
        raise InvalidRequest(f"The trial of a subscription that is {subscription['status']} cannot be changed.")
    if wanted == "now":
        if subscription["status"] == "trialing":
            _finish_now(work, subscription, params.get("payment_behavior", "allow_incomplete"))
        return
    until = end_after(work, None, wanted)
    before = copied(subscription)
    begins = subscription["status"] != "trialing"
    if begins and params.get("proration_behavior") != "none":
        for item in subscription["items"]["data"]:
            proration_items.give_back(work, subscription, item, work.now)
    subscription["trial_end"] = until
    for item in subscription["items"]["data"]:
        item["current_period_end"] = until
    if subscription["trial_settings"]["end_behavior"]["billing_cycle_anchor"] != "unchanged":
        subscription.update(billing_cycle_anchor=until, billing_cycle_anchor_config=None)
    draft = _begin_again(work, subscription) if begins else None
    work.emit_updated("customer.subscription.updated", before, subscription)
    if draft is not None:
        subscription_invoices.issue_now(work, draft)
    announce(work, subscription)
    billing_cycles.schedule(work, subscription)


def has_method(work: Work, subscription: Obj) -> bool:
    """Whether somebody can be charged, or pays by himself."""
    if subscription["collection_method"] == "send_invoice" or subscription["default_payment_method"] is not None:
        return True
    customer = work.read("customer", subscription["customer"])
    return customer["invoice_settings"]["default_payment_method"] is not None


def _ends_otherwise(work: Work, subscription: Obj) -> bool:
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if behavior == "create_invoice" or has_method(work, subscription):
        return False
    if behavior == "cancel":
        endings.end(work, subscription, None)
    else:
        standing.pause(work, subscription, "trial_end_without_payment_method")
    return True


def _begin_paying(work: Work, subscription: Obj, reason: str, *, at_once: bool) -> Draft | None:
    begun = min(item["current_period_start"] for item in subscription["items"]["data"])
    if subscription["trial_settings"]["end_behavior"]["billing_cycle_anchor"] == "now":
        subscription.update(billing_cycle_anchor=work.now, billing_cycle_anchor_config=None)
    subscription.update(status="active", trial_end=work.now)
    billing_cycles.begin(subscription, work.now)
    items, invoice_id = subscription["items"]["data"], work.new_id("in")
    draft = subscription_invoices.of_items(
        work, subscription, items, reason, invoice_id=invoice_id, period_start=begun, at_once=at_once
    )
    return subscription_invoices.latest(subscription, draft)


def _finish_now(work: Work, subscription: Obj, payment_behavior: str) -> None:
    if payment_behavior == "pending_if_incomplete":
        raise NotModelled("pending updates", param="payment_behavior")
    agenda.drop(work, "subscription.trial_will_end", subscription["id"])
    if subscription["billing_cycle_anchor"] == subscription["trial_end"]:
        subscription["billing_cycle_anchor"] = work.now
    subscription["trial_end"] = work.now
    if _ends_otherwise(work, subscription):
        return
    before = copied(subscription)
    draft = _begin_paying(work, subscription, "subscription_update", at_once=True)
    work.emit_updated("customer.subscription.updated", before, subscription)
    invoice = None if draft is None else subscription_invoices.issue_now(work, draft)
    billing_cycles.schedule(work, subscription)
    if invoice is not None:
        update_payments.collect(work, subscription, invoice, payment_behavior)


def _begin_again(work: Work, subscription: Obj) -> Draft | None:
    """A running subscription gets a trial. Its invoice costs nothing, but what is pending rides it."""
    subscription.update(status="trialing", trial_start=work.now)
    for item in subscription["items"]["data"]:
        item["current_period_start"] = work.now
    items, invoice_id = subscription["items"]["data"], work.new_id("in")
    draft = subscription_invoices.of_items(
        work, subscription, items, "subscription_update", invoice_id=invoice_id, at_once=True
    )
    return subscription_invoices.latest(subscription, draft)
