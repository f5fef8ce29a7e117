"""Charges: one try to take money by one card."""

from collections.abc import Iterator

from ..cards import Decline
from .account import NAME
from .fields import absent, where
from .work import Obj, Work, copied

KIND = "charge"


def attempt(work: Work, intent: Obj, method: Obj, decline: Decline | None, *, authenticated: bool) -> Obj:
    """Records a try for a payment intent: succeeded, or failed with the decline's reason.

    Emits charge.succeeded or charge.failed.
    """
    taken = decline is None
    charge = {
        **_unused(),
        "id": work.new_id("ch"),
        "object": KIND,
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if taken else 0,
        "amount_refunded": 0,
        "billing_details": copied(method["billing_details"]),
        "calculated_statement_descriptor": NAME.upper(),
        "captured": taken,
        "created": work.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "livemode": False,
        "outcome": _outcome(decline),
        "paid": taken,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(intent, method, authenticated=authenticated),
        "refunded": False,
        "status": "succeeded" if taken else "failed",
    }
    work.add(KIND, charge)
    work.emit("charge.succeeded" if taken else "charge.failed", charge)
    return charge


def retrieve(work: Work, _params: Obj, charge_id: str) -> Obj:
    """GET /v1/charges/{id}."""
    return work.read(KIND, charge_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/charges."""
    return where(work.all(KIND), params, "customer", "payment_intent", "transfer_group")


def _unused() -> Obj:
    """Required keys without a value: present, and null or empty."""
    return {
        **absent(
            "application", "application_fee", "application_fee_amount", "balance_transaction",
            "failure_balance_transaction", "on_behalf_of", "receipt_email", "receipt_number", "receipt_url",
            "review", "shipping", "source", "source_transfer", "statement_descriptor",
            "statement_descriptor_suffix", "transfer_data", "transfer_group",
        ),
        "fraud_details": {},
        "metadata": {},
    }  # fmt: skip


def _outcome(decline: Decline | None) -> Obj:
    refused = decline is not None
    return {
        "advice_code": "try_again_later" if decline and decline.code == "card_declined" else None,
        "network_advice_code": None,
        "network_decline_code": "01" if refused else None,
        "network_status": "declined_by_network" if refused else "approved_by_network",
        "reason": decline.decline_code if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank declined the payment." if refused else "Payment complete.",
        "type": "issuer_declined" if refused else "authorized",
    }


def _details(intent: Obj, method: Obj, *, authenticated: bool) -> Obj:
    card = method["card"]
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    shared = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    return {
        "type": "card",
        "card": {
            **{name: copied(card[name]) for name in shared},
            "amount_authorized": intent["amount"],
            "authorization_code": None,
            "electronic_commerce_indicator": "05" if authenticated else None,
            "installments": None,
            "mandate": None,
            "network": card["brand"],
            "network_transaction_id": None,
            "regulated_status": card["regulated_status"],
            "three_d_secure": secure if authenticated else None,
            "transaction_link_id": None,
            "wallet": None,
        },
    }
