"""The agenda in words: whose an entry is, and what happens when it is due."""

from ..engine import (
    agenda,
    balance_transactions,
    checkout_sessions,
    coupons,
    discounts,
    disputes,
    invoices,
    payment_intents,
    payouts,
    pending_updates,
    promotion_codes,
    refunds,
    schedule_states,
    tax_ids,
)
from ..engine.work import Obj, Work

# What an entry is called -> the kind of its object, and the sentence; {name} is the object's.
_WORDS: dict[str, tuple[str, str]] = {
    "checkout.session.expire": (checkout_sessions.KIND, "an open Checkout session expires"),
    coupons.EXPIRE: (coupons.KIND, "coupon {name} expires"),
    discounts.END: (discounts.KIND, "a discount ends"),
    disputes.DUE: (disputes.KIND, "a dispute is lost, nothing was answered"),
    disputes.VERDICT: (disputes.KIND, "a dispute is decided"),
    "invoice.finalize": (invoices.KIND, "the draft invoice is finalized and collected"),
    "invoice.overdue": (invoices.KIND, "invoice {name} is overdue"),
    "invoice.pay": (invoices.KIND, "the payment of invoice {name} is tried"),
    "invoice.will_be_due": (invoices.KIND, "invoice {name} is announced as due soon"),
    payment_intents.EXPIRE: (payment_intents.KIND, "an amount that a card holds is let go"),
    payment_intents.SETTLE: (payment_intents.KIND, "the bank answers a debit"),
    payouts.DAILY: (payouts.KIND, "the daily payout"),
    payouts.PAY: (payouts.KIND, "a payout arrives"),
    promotion_codes.EXPIRE: (promotion_codes.KIND, "promotion code {name} expires"),
    refunds.SETTLE: (refunds.KIND, "the bank answers a refund"),
    pending_updates.EXPIRE: ("subscription", "the pending change of plan is dropped unless it is paid"),
    schedule_states.EXPIRING: (schedule_states.KIND, "the end of a schedule is announced"),
    schedule_states.PHASE: (schedule_states.KIND, "the next phase of a schedule begins"),
    "subscription.cancel": ("subscription", "the subscription is canceled"),
    "subscription.expire": ("subscription", "the subscription expires unless its first invoice is paid"),
    "subscription.renew": ("subscription", "the subscription renews"),
    "subscription.resume_collection": ("subscription", "invoices are collected again"),
    "subscription.resumption_expire": ("subscription", "the resumption expires unless its invoice is paid"),
    "subscription.trial_will_end": ("subscription", "the end of the trial is announced"),
    "subscription.upcoming": ("subscription", "the next invoice is announced"),
    tax_ids.VERIFY: (tax_ids.KIND, "the authorities answer about a tax ID"),
    "test_clock.delete": ("test_helpers.test_clock", "the test clock is deleted"),
}
# Bookkeeping of the account, which nobody waits for.
_DULL = frozenset((balance_transactions.AVAILABLE,))


def of_customers(work: Work) -> dict[str, list[Obj]]:
    """What waits for each customer, by his id, the soonest first."""
    found: dict[str, list[Obj]] = {}
    for entry in work.all(agenda.KIND):
        if entry["what"] in _DULL:
            continue
        customer = _customer_of(work, _object_of(work, entry))
        if customer is not None:
            found.setdefault(customer, []).append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: (entry["at"], entry["sequence"]))
    return found


def wordless(names: set[str]) -> set[str]:
    """Those kinds of entries that the control room could only call by their names."""
    return names - _WORDS.keys() - _DULL


def sentence(work: Work, entry: Obj) -> str:
    """What happens, for example: the subscription renews."""
    known = _WORDS.get(entry["what"])
    if known is None:
        return str(entry["what"])
    body = _object_of(work, entry) or {}
    if entry["what"] == "subscription.renew":
        return _renewal(body)
    return known[1].format(name=body.get("number") or body.get("code") or body.get("name") or body.get("id", ""))


def _renewal(subscription: Obj) -> str:
    if subscription.get("status") == "trialing":
        return "the trial ends"
    cancel_at = subscription.get("cancel_at")
    ends = cancel_at is not None and cancel_at <= min(
        item["current_period_end"] for item in subscription["items"]["data"]
    )
    return "the subscription ends" if ends else "the subscription renews"


def _object_of(work: Work, entry: Obj) -> Obj | None:
    known = _WORDS.get(entry["what"])
    return None if known is None else work.find(known[0], entry["object"])


def _customer_of(work: Work, body: Obj | None) -> str | None:
    """The customer of an object, by what it belongs to."""
    if body is None or body.get("deleted"):
        return None
    if body.get("customer") is not None:
        return str(body["customer"])
    for kind in ("charge", "payment_intent"):
        if isinstance(body.get(kind), str):
            return _customer_of(work, work.find(kind, body[kind]))
    return None
