"""The payer's form, on Checkout, on invoices and in the portal: what was typed, and what is wrong about it."""

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from .. import bank_accounts
from ..cards import BY_NUMBER
from ..engine.checkout_methods import BankEntry, CardEntry, Entry, PayPalEntry, SavedEntry
from ..engine.checkout_payment import Payer
from ..engine.work import Obj
from ..errors import CardRefused, Refusal
from .texts import Words

# The helper's lists: number and the text that says what it does.
TEST_CARDS = [
    ("4242424242424242", "card_ok"),
    ("4000000000000002", "card_declined"),
    ("4000000000009995", "card_funds"),
    ("4000000000009987", "card_lost"),
    ("4000000000009979", "card_stolen"),
    ("4000000000000069", "card_expired"),
    ("4000000000000127", "card_cvc"),
    ("4000000000000119", "card_processing"),
    ("4000000000000341", "card_fails_later"),
    ("4000002500003155", "card_3ds"),
    ("4000002760003184", "card_3ds_always"),
    ("4000003800000446", "card_3ds_here"),
    ("4000008260003178", "card_3ds_funds"),
    ("4000000000000259", "card_dispute"),
]
TEST_ACCOUNTS = {
    "us_bank_account": [
        ("000123456789", "account_ok"),
        ("000222222227", "account_funds"),
        ("000111111113", "account_closed"),
        ("000555555559", "account_dispute"),
        ("000000000009", "account_endless"),
    ],
    "sepa_debit": [
        ("DE89370400440532013000", "account_ok"),
        ("DE65370400440002222227", "account_funds"),
        ("DE62370400440532013001", "account_refused"),
        ("DE35370400440532013002", "account_dispute"),
    ],
}
FIELDS = (
    "email", "phone", "method", "number", "expiry", "cvc", "routing", "account", "iban", "name", "line1", "line2",
    "city", "state", "postal_code", "country", "business", "business_name", "tax_id_type", "tax_id", "save", "terms",
    "total",
)  # fmt: skip
_LONGEST_CODE = 3
_FIELD_OF = {
    "exp_month": "expiry",
    "exp_year": "expiry",
    "sepa_debit[iban]": "iban",
    "us_bank_account[routing_number]": "routing",
    "us_bank_account[account_number]": "account",
}


def typed(request: Request) -> dict[str, str]:
    """Every field of the form, "" where nothing was typed; the shop's own as `field.<key>`."""
    values = {name: request.form.get(name, "").strip() for name in FIELDS}
    own = {name: value.strip() for name, value in request.form.items() if name.startswith("field.")}
    return {**values, **own}


def payer(values: Mapping[str, str]) -> Payer:
    """Who pays, as far as the form says."""
    business = bool(values["business"] or values["tax_id"])
    return Payer(
        email=values["email"] or None,
        name=values["name"] or None,
        line1=values["line1"] or None,
        line2=values["line2"] or None,
        city=values["city"] or None,
        state=_state(values["state"]) or None,
        postal_code=values["postal_code"] or None,
        country=values["country"].upper() or None,
        phone=values["phone"] or None,
        business_name=(values["business_name"] or None) if business else None,
        tax_id=(values["tax_id_type"], values["tax_id"]) if business and values["tax_id"] else None,
        saves=bool(values["save"]),
        accepts_terms=bool(values["terms"]),
        seen_total=int(values["total"]) if values["total"].isdecimal() else None,
        fields={name.removeprefix("field."): value for name, value in values.items() if name.startswith("field.")},
    )


def entry(values: Mapping[str, str]) -> Entry | None:
    """How he pays; None when no card number was typed."""
    method = values["method"] or "card"
    if method.startswith("pm_"):
        return SavedEntry(method)
    if method == "paypal":
        return PayPalEntry()
    if method == "us_bank_account":
        return BankEntry(method, values["account"], values["routing"])
    if method == "sepa_debit":
        return BankEntry(method, values["iban"])
    if not values["number"]:
        return None
    month, year = _expiry(values["expiry"])
    return CardEntry(values["number"], month, year, values["cvc"])


def filled(number: str) -> dict[str, str]:
    """The fields that a press on one of the helper's cards or accounts fills in; {} for an unknown number."""
    if number in BY_NUMBER:
        digits = 4 if BY_NUMBER[number].brand == "amex" else 3
        spaced = " ".join(re.findall(r"\d{1,4}", number))
        return {"method": "card", "number": spaced, "expiry": "12 / 34", "cvc": "1234"[:digits]}
    account = bank_accounts.BY_NUMBER.get(number)
    if account is None:
        return {}
    if account.type == "sepa_debit":
        return {"method": account.type, "iban": number, "name": "Jenny Sandbox"}
    routing = bank_accounts.ROUTING_NUMBER
    return {"method": account.type, "account": number, "routing": routing, "name": "Jenny Sandbox"}


def problem(words: Words, error: Refusal) -> tuple[str, str]:
    """The field that is wrong ("" for the payment as a whole) and the sentence for the payer."""
    param = error.param or ""
    code = str(error.extra.get("decline_code") or error.code or param)
    if own := re.fullmatch(r"custom_fields\[(\w+)\]", param):
        return f"field.{own[1]}", words.refusal(code, error.message)
    field = _FIELD_OF.get(param, param)
    return (field if field in FIELDS else ""), words.refusal(code, error.message)


def status_of(error: Refusal) -> int:
    """402 when the method refuses, 422 when something must be filled in."""
    return 402 if isinstance(error, CardRefused) else 422


def context(words: Words, values: Mapping[str, str], types: list[str], saved: list[Obj]) -> dict[str, Any]:
    """What the templates of the form need: values, methods to choose from, the helper's lists."""
    chosen = values.get("method") or (saved[0]["id"] if saved else types[0])
    return {
        "values": {**dict.fromkeys(FIELDS, ""), **values, "method": chosen},
        "types": types,
        "saved": [{"id": method["id"], "name": words.method(method), "card": method.get("card")} for method in saved],
        "test_cards": TEST_CARDS if "card" in types else [],
        "test_accounts": [pair for kind in types for pair in TEST_ACCOUNTS.get(kind, [])],
    }


def _state(text: str) -> str:
    """A code in capitals, TX for tx; a province's name as it was typed."""
    return text.upper() if len(text) <= _LONGEST_CODE else text


def _expiry(text: str) -> tuple[int, int]:
    """`12 / 34`, `12/2034` or `1234`; an unreadable one is month 0, which is refused as such."""
    found = re.fullmatch(r"(\d{1,2})\s*[/\-. ]\s*(\d{4}|\d{2})|(\d{2})(\d{2})", text)
    if found is None:
        return 0, 0
    month, year = int(found[1] or found[3]), int(found[2] or found[4])
    return month, year + 2000 if year < 100 else year
