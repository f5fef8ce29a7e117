"""When a failed payment is tried again, and when no longer.

Tries come at fixed days after the first failure (account_settings: retry_days). After a hard decline the
schedule goes on and counts, but nothing is charged until there is another method; so too without any method
(docs.stripe.com/billing/revenue-recovery/smart-retries, and the SDK on invoice.attempt_count).
"""

from . import account_settings, agenda, invoices
from .periods import DAY
from .work import Obj, Work

# Declines that no repeat of the same card changes (same page).
_HARD = frozenset((
    "incorrect_number", "lost_card", "pickup_card", "stolen_card", "revocation_of_authorization",
    "revocation_of_all_authorizations", "authentication_required", "highest_risk_level", "transaction_not_allowed",
))  # fmt: skip


def next_attempt(work: Work, invoice: Obj) -> int | None:
    """When an invoice whose try has just failed is tried again (UTC seconds), put on the agenda; None: never."""
    if not _is_retried(work, invoice):
        agenda.drop(work, "invoice.pay", invoice["id"])
        return None
    state = _state(invoice)
    state.setdefault("first_failed_at", work.now)
    days = account_settings.current(work)["retry_days"]
    if state["retries"] >= len(days):
        return None
    at: int = state["first_failed_at"] + days[state["retries"]] * DAY
    agenda.put(work, "invoice.pay", invoice["id"], at)
    return at


def count_retry(invoice: Obj) -> None:
    """A try by schedule begins: the first one collects, the others are retries."""
    state = _state(invoice)
    if "first_failed_at" in state:
        state["retries"] += 1


def remember(invoice: Obj, method_id: str, decline_code: str | None) -> None:
    """Notes why a method was refused; None as the code: 3-D Secure asks the payer."""
    hard = decline_code is None or decline_code in _HARD
    _state(invoice)["refused"] = method_id if hard else None


def is_futile(invoice: Obj, method_id: str | None) -> bool:
    """Whether a try by schedule would charge nothing: no method, or the one that was declined for good."""
    return method_id is None or _state(invoice)["refused"] == method_id


def _is_retried(work: Work, invoice: Obj) -> bool:
    if not invoice["auto_advance"] or invoice["collection_method"] != "charge_automatically":
        return False
    subscription_id = invoices.subscription_of(invoice)
    if subscription_id is None:
        return True
    subscription = work.read("subscription", subscription_id)
    resumption = subscription.get("_", {}).get("resumption")
    if resumption is not None and resumption["invoice"] == invoice["id"]:
        return bool(resumption["on"] == "resume_on_payment_success")
    return subscription["status"] not in ("incomplete", "unpaid")


def _state(invoice: Obj) -> Obj:
    state: Obj = invoice.setdefault("_", {}).setdefault("dunning", {"retries": 0, "refused": None})
    return state
