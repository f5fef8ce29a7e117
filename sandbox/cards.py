"""The test cards: what each number does (ocs.stripe.com/testing).

Only these numbers are known; any other number that passes the Luhn check is refused like a card that
is used in test mode, so that nobody types a real card here and sees it accepted.
"""

from dataclasses import dataclass
from typing import Literal

Step = Literal["never", "until_set_up", "always"]


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a bank says no: Stripe's `code`, `decline_code` and the sentence for the payer."""

    code: str
    decline_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Card:
    """A test card. `attach` and `charge`: the refusal at that step; `authenticate`: when 3-D Secure asks."""

    number: str
    name: str
    brand: str = "visa"
    attach: Decline | None = None
    charge: Decline | None = None
    authenticate: Step = "never"

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
    Card("4000056655665556", "visa_debit"),
    Card("5555555555554444", "mastercard", brand="mastercard"),
    Card("378282246310005", "amex", brand="amex"),
    _refused("4000000000000002", "visa_chargeDeclined", GENERIC),
    _refused("4000000000009995", "visa_chargeDeclinedInsufficientFunds", FUNDS),
    _refused("4000000000009987", "visa_chargeDeclinedLostCard", _declined("lost_card")),
    _refused("4000000000009979", "visa_chargeDeclinedStolenCard", _declined("stolen_card")),
    _refused("4000000000000069", "chargeDeclinedExpiredCard", EXPIRED),
    _refused("4000000000000127", "chargeDeclinedIncorrectCvc", CVC),
    _refused("4000000000000119", "chargeDeclinedProcessingError", PROCESSING),
    Card("4000000000000341", "chargeCustomerFail", charge=GENERIC),
    Card("4000002500003155", "authenticationRequiredOnSetup", authenticate="until_set_up"),
    Card("4000002760003184", "authenticationRequired", authenticate="always"),
    Card(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        charge=FUNDS,
        authenticate="always",
    ),
    Card("4000003800000446", "authenticationRequiredSetupForOffSession"),
]
BY_NUMBER = {card.number: card for card in _CARDS}
_ALIASES = {
    "chargeDeclined": "visa_chargeDeclined",
    "chargeDeclinedInsufficientFunds": "visa_chargeDeclinedInsufficientFunds",
    "threeDSecure2Required": "authenticationRequired",
}
_BY_NAME = {card.name: card for card in _CARDS}


def by_payment_method(payment_method_id: str) -> Card | None:
    """The card behind Stripe's ready-made ids (`pm_card_visa`, `pm_card_chargeCustomerFail`, ...)."""
    name = payment_method_id.removeprefix("pm_card_")
    if name == payment_method_id:
        return None
    return _BY_NAME.get(_ALIASES.get(name, name))


def by_token(token: str) -> Card | None:
    """The card behind a ready-made token (`tok_visa`)."""
    name = token.removeprefix("tok_")
    return None if name == token else _BY_NAME.get(_ALIASES.get(name, name))


def luhn_valid(number: str) -> bool:
    """Whether the digits pass the check that every card number passes."""
    if not number.isascii() or not number.isdigit() or not 12 <= len(number) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
