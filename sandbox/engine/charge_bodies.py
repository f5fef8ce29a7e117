"""The bodies of charges: every key that the contract requires, and the details of each type of method."""

from datetime import UTC, datetime
from typing import Any

from ..cards import Decline
from .account import NAME
from .fields import absent
from .work import Obj, Work, copied

# How long a card holds an amount that is captured later (docs.stripe.com/payments/place-a-hold-on-a-payment-method).
HOLD_SECONDS = 7 * 86400
_CARD = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
_BANK: dict[str, tuple[str, ...]] = {
    "us_bank_account": (
        "account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number",
    ),
    "sepa_debit": ("bank_code", "branch_code", "country", "fingerprint", "last4"),
}  # fmt: skip
# Fields that a charge takes over from its payment intent.
_INHERITED = (
    "amount", "currency", "customer", "description", "receipt_email", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip


def charge_body(work: Work, intent: Obj, method: Obj, payment_method_details: Obj) -> Obj:
    """A charge that is pending."""
    return {
        **_unused(),
        **{name: copied(intent[name]) for name in _INHERITED},
        "id": work.new_id("ch" if method["type"] == "card" else "py"),
        "object": "charge",
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "billing_details": copied(method["billing_details"]),
        "calculated_statement_descriptor": NAME.upper(),
        "captured": True,
        "created": work.now,
        "disputed": False,
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": outcome(None),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": payment_method_details,
        "refunded": False,
        "status": "pending",
    }


def outcome(decline: Decline | None) -> Obj:
    """How the network and its banks answered."""
    refused = decline is not None
    return {
        "advice_code": "try_again_later" if decline and decline.code == "card_declined" else None,
        "network_advice_code": None,
        "network_decline_code": "01" if refused else None,
        "network_status": "declined_by_network" if refused else "approved_by_network",
        "reason": (decline.decline_code or decline.code) if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank declined the payment." if refused else "Payment complete.",
        "type": "issuer_declined" if refused else "authorized",
    }


def details(intent: Obj, method: Obj, *, authenticated: bool, mandate: str | None) -> Obj:
    """charge.payment_method_details: what the method was at the time of the charge."""
    kind = method["type"]
    if kind == "card":
        inside = _card(intent, method["card"], authenticated=authenticated)
    elif kind == "paypal":
        inside = _paypal(method)
    else:
        inside = {name: method[kind][name] for name in _BANK[kind]}
        if kind == "us_bank_account":
            inside["payment_reference"] = None
        if mandate is not None or kind == "sepa_debit":
            inside["mandate"] = mandate
    return {"type": kind, kind: inside}


def three_d_secure(*, authenticated: bool) -> Any:
    """The result of 3-D Secure in charges and setup attempts, None without."""
    if not authenticated:
        return None
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }


def day_of(at: int) -> str:
    """A day as charges of bank debits show it, from UTC seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _card(intent: Obj, card: Obj, *, authenticated: bool) -> Obj:
    return {
        **{name: copied(card[name]) for name in _CARD},
        **absent(
            "authorization_code", "installments", "mandate", "network_transaction_id", "transaction_link_id", "wallet"
        ),
        "amount_authorized": intent["amount"],
        "electronic_commerce_indicator": "05" if authenticated else None,
        "network": card["brand"],
        "regulated_status": card["regulated_status"],
        "three_d_secure": three_d_secure(authenticated=authenticated),
    }


def _paypal(method: Obj) -> Obj:
    return {
        **method["paypal"],
        "payer_name": method["billing_details"]["name"],
        "seller_protection": {"dispute_categories": ["fraudulent", "product_not_received"], "status": "eligible"},
        "transaction_id": method["id"][-17:].upper(),
    }


def _unused() -> Obj:
    """Required keys without a value: present, and null or empty."""
    return {
        **absent(
            "application", "application_fee", "application_fee_amount", "balance_transaction",
            "failure_balance_transaction", "failure_code", "failure_message", "on_behalf_of", "receipt_number",
            "receipt_url", "review", "source", "source_transfer", "transfer_data",
        ),
        "fraud_details": {},
    }  # fmt: skip
