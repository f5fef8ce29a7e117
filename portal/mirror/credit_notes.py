"""What of an invoice was given back: by credit notes and by refunds that belong to none, whoever made them."""

from typing import Any

from portal.gateway.client import gateway
from portal.gateway.lists import entries


def complete(invoice: dict[str, Any]) -> None:
    """Put the invoice's credit notes under ``credit_notes``, where some gave money back."""
    invoice["credit_notes"] = fetch(invoice["id"]) if invoice["post_payment_credit_notes_amount"] else []


def fetch(stripe_invoice_id: str) -> list[dict[str, Any]]:
    """The invoice's credit notes at Stripe, the newest first, those that were voided too."""
    found = entries(lambda page: gateway().read(lambda s: s.v1.credit_notes.list(page)), invoice=stripe_invoice_id)
    return list(found)


def credited_of(invoice: dict[str, Any]) -> int:
    """What of the invoice's total was credited or refunded, in minor units; the rest can still be credited.

    A refund counts once, whether a credit note names it or not: docs.stripe.com/invoicing/dashboard/credit-notes
    """
    refunded = sum(_refunded(payment) for payment in invoice["payments"]["data"])
    issued = [note for note in invoice["credit_notes"] if note["status"] == "issued"]
    named = sum(link["amount_refunded"] for note in issued for link in note["refunds"])
    by_notes = int(invoice["pre_payment_credit_notes_amount"]) + int(invoice["post_payment_credit_notes_amount"])
    return by_notes + max(refunded - int(named), 0)


def _refunded(payment: dict[str, Any]) -> int:
    charge = (payment["payment"].get("payment_intent") or {}).get("latest_charge") or {}
    return int(charge.get("amount_refunded") or 0)
