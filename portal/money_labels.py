"""Words for what staff do to money, and for what banks say about it."""

from portal.i18n import gettext, lazy_gettext

ADJUSTMENT_KINDS = {
    "refund": lazy_gettext("Refund"),
    "credit_note": lazy_gettext("Credit note"),
    "balance_credit": lazy_gettext("Credit on the account"),
    "balance_debit": lazy_gettext("Debit on the account"),
    "write_off": lazy_gettext("Write-off"),
    "paid_out_of_band": lazy_gettext("Paid in another way"),
}
ADJUSTMENT_STATES = {
    "proposed": (lazy_gettext("Waits for a second person"), "warn"),
    "working": (lazy_gettext("Under way"), "calm"),
    "done": (lazy_gettext("Done"), "good"),
    "refused": (lazy_gettext("Refused by Stripe"), "bad"),
    "rejected": (lazy_gettext("Rejected"), "idle"),
    "withdrawn": (lazy_gettext("Withdrawn"), "idle"),
    "failed": (lazy_gettext("Sent back by the bank"), "bad"),
}
CREDIT_NOTE_STATUSES = {
    "issued": (lazy_gettext("Issued"), "good"),
    "void": (lazy_gettext("Void"), "idle"),
}
REFUND_STATUSES = {
    "pending": (lazy_gettext("On its way"), "calm"),
    "requires_action": (lazy_gettext("Waits for the payer"), "warn"),
    "succeeded": (lazy_gettext("Refunded"), "good"),
    "failed": (lazy_gettext("Sent back by the bank"), "bad"),
    "canceled": (lazy_gettext("Canceled"), "idle"),
}
DISPUTE_STATUSES = {
    "needs_response": (lazy_gettext("Answer needed"), "bad"),
    "under_review": (lazy_gettext("The bank decides"), "calm"),
    "warning_needs_response": (lazy_gettext("Inquiry: answer needed"), "warn"),
    "warning_under_review": (lazy_gettext("Inquiry: the bank decides"), "calm"),
    "warning_closed": (lazy_gettext("Inquiry closed"), "idle"),
    "won": (lazy_gettext("Won"), "good"),
    "lost": (lazy_gettext("Lost"), "bad"),
    "prevented": (lazy_gettext("Prevented"), "good"),
}
# Stripe's reasons of a credit note; a refund has the first two and the last (docs.stripe.com/api/credit_notes/create).
CREDIT_REASONS = {
    "duplicate": lazy_gettext("Billed twice"),
    "fraudulent": lazy_gettext("Fraudulent"),
    "order_change": lazy_gettext("The order was changed"),
    "product_unsatisfactory": lazy_gettext("The service was not satisfactory"),
}
REFUND_REASONS = {
    "requested_by_customer": lazy_gettext("Asked for by the customer"),
    "duplicate": lazy_gettext("Billed twice"),
    "fraudulent": lazy_gettext("Fraudulent"),
}
WAYS = {
    "refund": lazy_gettext("Back to the payment method"),
    "balance": lazy_gettext("Credit on the account, for the next invoices"),
    "out_of_band": lazy_gettext("Paid back outside of Stripe"),
}
# docs.stripe.com/disputes/categories
DISPUTE_REASONS = {
    "bank_cannot_process": lazy_gettext("The bank could not process it"),
    "check_returned": lazy_gettext("The check was returned"),
    "credit_not_processed": lazy_gettext("A promised refund did not come"),
    "customer_initiated": lazy_gettext("The payer asked the bank"),
    "debit_not_authorized": lazy_gettext("The debit was not authorised"),
    "duplicate": lazy_gettext("Charged twice"),
    "fraudulent": lazy_gettext("The payer says that it was not them"),
    "general": lazy_gettext("No reason given"),
    "incorrect_account_details": lazy_gettext("Wrong account details"),
    "insufficient_funds": lazy_gettext("Not enough funds"),
    "noncompliant": lazy_gettext("It broke the network's rules"),
    "product_not_received": lazy_gettext("The service was not received"),
    "product_unacceptable": lazy_gettext("The service was not as described"),
    "subscription_canceled": lazy_gettext("The subscription had been canceled"),
    "unrecognized": lazy_gettext("The payer does not recognise it"),
}
# docs.stripe.com/refunds#failed-refunds
_REFUND_FAILURES = {
    "lost_or_stolen_card": lazy_gettext("The card was lost or stolen"),
    "expired_or_canceled_card": lazy_gettext("The card has expired or was canceled"),
    "charge_for_pending_refund_disputed": lazy_gettext("The payer disputed the payment meanwhile"),
    "insufficient_funds": lazy_gettext("Your balance at Stripe did not suffice"),
    "declined": lazy_gettext("The bank declined it"),
    "merchant_request": lazy_gettext("It was stopped at Stripe"),
    "canceled": lazy_gettext("It was canceled at Stripe"),
}

# By what ``status_label`` calls the kinds of object.
STATUSES = {
    "adjustment": ADJUSTMENT_STATES,
    "credit_note": CREDIT_NOTE_STATUSES,
    "refund": REFUND_STATUSES,
    "dispute": DISPUTE_STATUSES,
}


def adjustment_kind(kind: str) -> str:
    return str(ADJUSTMENT_KINDS[kind])


def dispute_reason(code: str) -> str:
    """Why a payer wants the money back; a reason that we do not know is Stripe's own word."""
    return str(DISPUTE_REASONS.get(code) or code.replace("_", " "))


def refund_failure(code: str) -> str:
    """Why a refund did not arrive."""
    return str(_REFUND_FAILURES.get(code) or gettext("The bank gave no reason"))
