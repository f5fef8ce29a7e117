"""Why a payment failed, in plain words, by Stripe's decline and error codes.

Codes: https://docs.stripe.com/declines/codes. A card reported lost or stolen is called declined, as Stripe
advises: whoever reads the mail may be the one who found it.
"""

from portal.i18n import gettext, lazy_gettext

_REASONS = {
    "insufficient_funds": lazy_gettext("There was not enough money on the card or account."),
    "expired_card": lazy_gettext("The card has expired."),
    "authentication_required": lazy_gettext("The bank wants you to confirm the payment yourself."),
    "incorrect_cvc": lazy_gettext("The card's security code is not right."),
    "incorrect_number": lazy_gettext("The card number is not right."),
    "card_not_supported": lazy_gettext("The card does not support this kind of payment."),
    "currency_not_supported": lazy_gettext("The card does not support the currency of the invoice."),
    "card_velocity_exceeded": lazy_gettext("The card's limit has been reached."),
    "processing_error": lazy_gettext("Something went wrong while the bank worked on the payment."),
    "no_method": lazy_gettext("There is no payment method that could be charged."),
}
_SAME_AS = {
    "invalid_expiry_year": "expired_card",
    "invalid_expiry_month": "expired_card",
    "invalid_cvc": "incorrect_cvc",
    "invalid_number": "incorrect_number",
    "withdrawal_count_limit_exceeded": "card_velocity_exceeded",
    "authentication_not_handled": "authentication_required",
    "invoice_payment_intent_requires_action": "authentication_required",
    "payment_intent_authentication_failure": "authentication_required",
    "subscription_payment_intent_requires_action": "authentication_required",
    "approve_with_id": "processing_error",
    "issuer_not_available": "processing_error",
    "reenter_transaction": "processing_error",
    "try_again_later": "processing_error",
    "resource_missing": "no_method",
}


def reason(code: str | None) -> str:
    """The sentence for a code; an unknown one, or none, is a bank that declined without saying why."""
    key = _SAME_AS.get(code or "", code or "")
    if key in _REASONS:
        return str(_REASONS[key])
    return str(gettext("The bank declined the payment without giving a reason."))


def advice(code: str | None) -> str:
    """What to do about it, for whoever has just been refused."""
    key = _SAME_AS.get(code or "", code or "")
    if key == "authentication_required":
        return str(gettext("Open the invoice's page at Stripe and confirm the payment there."))
    if key == "processing_error":
        return str(gettext("Wait a few minutes and try again, or use another payment method."))
    if key in ("expired_card", "incorrect_number", "incorrect_cvc", "card_not_supported", "no_method"):
        return str(gettext("Use another payment method, or add a new one."))
    return str(gettext("Use another payment method, or ask your bank."))
