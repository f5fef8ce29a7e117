"""The test cards: what each number does (docs.stripe.com/testing).

Only these numbers are known; any other number that passes the Luhn check is refused like a card that
is used in test mode, so that nobody types a real card here and sees it accepted.
"""

from dataclasses import dataclass
from typing import Literal

# When 3-D Secure asks: until_set_up asks off session only until then, and on session like on_session, which asks
# nowhere else.
Step = Literal["never", "until_set_up", "on_session", "always"]
# What becomes of a refund: done at once; pending, done later; done at once and failed later.
Refunding = Literal["at_once", "pending", "fails_later"]
Dispute = Literal["fraudulent", "product_not_received", "inquiry", "debit_not_authorized"]


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a bank says no: Stripe's `code`, `decline_code` ("" when there is none) and the sentence for the payer."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Card:
    """A test card. `attach` and `charge`: the refusal at that step; `authenticate`: when 3-D Secure asks.

    `dispute`: what its payments are disputed as, at once; `funds_at_once`: they are available without a delay.
    """

    number: str
    name: str
    brand: str = "visa"
    funding: str = "credit"
    attach: Decline | None = None
    charge: Decline | None = None
    authenticate: Step = "never"
    refund: Refunding = "at_once"
    dispute: Dispute | None = None
    funds_at_once: bool = False

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]


def _declined(code: str) -> Decline:
    return Decline("card_declined", code, "Your card was declined.")


GENERIC = _declined("generic_decline")
FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
PROCESSING = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
AUTHENTICATION = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


def _refused(number: str, name: str, decline: Decline) -> Card:
    return Card(number, name, attach=decline, charge=decline)


_CARDS = [
    Card("4242424242424242", "visa"),
    Card("4000056655665556", "visa_debit", funding="debit"),
    Card("5555555555554444", "mastercard", brand="mastercard"),
    Card("5200828282828210", "mastercard_debit", brand="mastercard", funding="debit"),
    Card("5105105105105100", "mastercard_prepaid", brand="mastercard", funding="prepaid"),
    Card("378282246310005", "amex", brand="amex"),
    Card("6011111111111117", "discover", brand="discover"),
    Card("3056930009020004", "diners", brand="diners"),
    Card("3566002020360505", "jcb", brand="jcb"),
    Card("6200000000000005", "unionpay", brand="unionpay"),
    _refused("4000000000000002", "visa_chargeDeclined", GENERIC),
    _refused("4000000000009995", "visa_chargeDeclinedInsufficientFunds", FUNDS),
    _refused("4000000000009987", "visa_chargeDeclinedLostCard", _declined("lost_card")),
    _refused("4000000000009979", "visa_chargeDeclinedStolenCard", _declined("stolen_card")),
    _refused("4000000000000069", "chargeDeclinedExpiredCard", EXPIRED),
    _refused("4000000000000127", "chargeDeclinedIncorrectCvc", CVC),
    _refused("4000000000000119", "chargeDeclinedProcessingError", PROCESSING),
    _refused("4000000000006975", "visa_chargeDeclinedVelocityLimitExceeded", _declined("card_velocity_exceeded")),
    Card("4000000000000341", "chargeCustomerFail", charge=GENERIC),
    Card("4000002500003155", "authenticationRequiredOnSetup", authenticate="until_set_up"),
    Card("4000002760003184", "authenticationRequired", authenticate="always"),
    Card(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        charge=FUNDS,
        authenticate="always",
    ),
    Card("4000003800000446", "authenticationRequiredSetupForOffSession", authenticate="on_session"),
    Card("4000000000003220", "threeDSecure2Required", authenticate="always"),
    Card("4000008400001629", "threeDSecureRequiredChargeDeclined", charge=GENERIC, authenticate="always"),
    Card("4000000000003055", "threeDSecureOptional"),
    Card("4000000000000077", "bypassPending", funds_at_once=True),
    Card("4000000000007726", "pendingRefund", refund="pending"),
    Card("4000000000005126", "refundFail", refund="fails_later"),
    Card("4000000000000259", "createDispute", dispute="fraudulent"),
    Card("4000000000002685", "createDisputeProductNotReceived", dispute="product_not_received"),
    Card("4000000000001976", "createDisputeInquiry", dispute="inquiry"),
]
BY_NUMBER = {card.number: card for card in _CARDS}
_ALIASES = {
    "chargeDeclined": "visa_chargeDeclined",
    "chargeDeclinedInsufficientFunds": "visa_chargeDeclinedInsufficientFunds",
}
_BY_NAME = {card.name: card for card in _CARDS}


def by_payment_method(payment_method_id: str) -> Card | None:
    """The card behind Stripe's ready-made ids (`pm_card_visa`, `pm_card_chargeCustomerFail`, ...)."""
    name = payment_method_id.removeprefix("pm_card_")
    if name == payment_method_id:
        return None
    return _BY_NAME.get(_ALIASES.get(name, name))


def by_token(token: str) -> Card | None:
    """The card behind a ready-made token (`tok_visa`, `tok_createDispute`, `tok_visa_createDispute`)."""
    name = token.removeprefix("tok_")
    if name == token:
        return None
    return _BY_NAME.get(_ALIASES.get(name, name)) or _BY_NAME.get(name.removeprefix("visa_"))


def luhn_valid(number: str) -> bool:
    """Whether the digits pass the check that every card number passes."""
    if not number.isascii() or not number.isdigit() or not 12 <= len(number) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
