"""The bodies of new payment methods: every key that the contract requires, by type."""

import hashlib
from datetime import UTC, datetime

from ..bank_accounts import ROUTING_NUMBER, Account
from ..cards import Card
from .fields import absent
from .work import Obj, Work

# How many letters of an IBAN after its check digits name the bank, and how many the branch.
_BANK_CODES = {"AT": (5, 0), "BE": (3, 0), "DE": (8, 0), "FR": (5, 5)}


def of_card(work: Work, card: Card, payment_method_id: str) -> Obj:
    """A card that expires in December some years ahead."""
    return {
        **_common(work, payment_method_id, "card"),
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": 12,
            "exp_year": datetime.fromtimestamp(work.now, UTC).year + 4,
            "fingerprint": _fingerprint(card.number),
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
    }


def of_account(work: Work, account: Account, payment_method_id: str) -> Obj:
    """A bank account, American or with an IBAN."""
    details = _american(account) if account.type == "us_bank_account" else _european(account)
    return {**_common(work, payment_method_id, account.type), account.type: details}


def of_paypal(work: Work, payment_method_id: str) -> Obj:
    """A PayPal account that nobody has signed in to yet."""
    return {
        **_common(work, payment_method_id, "paypal"),
        "paypal": absent("country", "payer_email", "payer_id"),
    }


def _american(account: Account) -> Obj:
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "SANDBOX BANK",
        "financial_connections_account": None,
        "fingerprint": _fingerprint(account.number),
        "last4": account.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": ROUTING_NUMBER,
        "status_details": {},
    }


def _european(account: Account) -> Obj:
    country = account.number[:2]
    bank, branch = _BANK_CODES[country]
    return {
        "bank_code": account.number[4 : 4 + bank],
        "branch_code": account.number[4 + bank : 4 + bank + branch],
        "country": country,
        "fingerprint": _fingerprint(account.number),
        "generated_from": absent("charge", "setup_attempt"),
        "last4": account.last4,
    }


def _common(work: Work, payment_method_id: str, kind: str) -> Obj:
    return {
        "id": payment_method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": absent("address", "email", "name", "phone", "tax_id"),
        "created": work.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": kind,
    }


def _fingerprint(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()[:16]
