"""The body of a new payment intent, and which payment methods it takes."""

from ..errors import InvalidRequest, NotModelled
from .fields import absent
from .payment_methods import REDIRECTS, TYPES
from .work import Obj, Work

# Methods that pay in one currency only. The account has all of TYPES switched on.
_CURRENCIES = {"us_bank_account": ("usd",), "sepa_debit": ("eur",)}
_NO_PAYPAL = frozenset(("jpy", "krw", "clp", "vnd"))


def intent_body(work: Work, amount: int, currency: str, customer: str | None) -> Obj:
    """An intent over `amount` minor units that takes every method that fits, and waits for one."""
    intent_id = work.new_id("pi")
    types = types_for(currency)
    return {
        **_unused(),
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{work.new_id('secret')}",
        "confirmation_method": "automatic",
        "created": work.now,
        "currency": currency,
        "customer": customer,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "payment_method_options": options_for(types),
        "payment_method_types": types,
        "status": "requires_payment_method",
        "_": {},
    }


def types_for(
    currency: str, allowed: list[str] | None = None, excluded: list[str] | None = None, *, redirects: bool = True
) -> list[str]:
    """The methods that can pay in the currency; InvalidRequest when none is left, NotModelled for unknown ones.

    `allowed` and `excluded` are the parameters of those names; `redirects` False leaves out what needs a page.
    """
    known_types(allowed)
    found = [
        kind
        for kind in TYPES
        if (allowed is None or kind in allowed)
        and kind not in (excluded or [])
        and currency in _CURRENCIES.get(kind, (currency,))
        and not (kind == "paypal" and currency in _NO_PAYPAL)
        and (redirects or kind not in REDIRECTS)
    ]
    if not found:
        raise InvalidRequest(
            f"No valid payment method types for this Payment Intent. The sandbox takes {', '.join(TYPES)}; "
            "us_bank_account pays usd, sepa_debit eur.",
            param="allowed_payment_method_types",
        )
    return found


def known_types(allowed: list[str] | None) -> None:
    """NotModelled for a type of `allowed_payment_method_types` that the sandbox does not know."""
    for kind in allowed or ():
        if kind not in TYPES:
            raise NotModelled(f"payment methods of type {kind}", param="allowed_payment_method_types")


def options_for(types: list[str]) -> Obj:
    """`payment_method_options` as they are without any wish."""
    every: Obj = {
        "card": {
            **absent("installments", "mandate_options", "network"),
            "request_three_d_secure": "automatic",
        },
        "us_bank_account": {"verification_method": "automatic"},
        "sepa_debit": {},
        "paypal": absent("preferred_locale", "reference"),
    }
    return {kind: every[kind] for kind in types}


def _unused() -> Obj:
    """Required keys without a value yet: present, and null."""
    return absent(
        "allowed_payment_method_types", "application", "application_fee_amount", "automatic_payment_methods",
        "canceled_at", "cancellation_reason", "customer_account", "description", "excluded_payment_method_types",
        "last_payment_error", "latest_charge", "next_action", "on_behalf_of", "payment_method",
        "payment_method_configuration_details", "payment_record", "processing", "receipt_email",
        "review", "setup_future_usage", "shipping", "source", "statement_descriptor",
        "statement_descriptor_suffix", "transfer_data", "transfer_group",
    )  # fmt: skip
