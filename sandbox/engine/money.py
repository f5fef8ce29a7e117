"""Amounts: integers of minor units, rounded in one place.

Rounding is half up to the minor unit, per line. Stripe publishes that rule for its own fees only;
for invoices it is assumed.
"""

from decimal import ROUND_HALF_UP, Decimal

from ..errors import InvalidRequest

ZERO_DECIMAL = frozenset(
    (
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    )
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


def rounded(amount: Decimal) -> int:
    """Half up to whole minor units (0.5 -> 1, -0.5 -> -1)."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def exponent(currency: str) -> int:
    """Digits after the decimal point: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def decimal_text(amount: Decimal) -> str:
    """A decimal as Stripe writes it: plain, without trailing zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def currency_code(given: str, *, param: str = "currency") -> str:
    """The currency in lower case; InvalidRequest when it is not three letters."""
    code = given.lower()
    if len(code) != 3 or not code.isalpha():
        raise InvalidRequest(f"Invalid currency: {given}", param=param)
    return code


def formatted(amount: int, currency: str) -> str:
    """An amount for sentences in English, as Stripe's messages have it: $29.00, otherwise 29.00 EUR."""
    digits = exponent(currency)
    number = f"{Decimal(amount).scaleb(-digits):,.{digits}f}"
    signs = {"usd": "$", "eur": "€", "gbp": "£", "brl": "R$", "jpy": "¥"}
    return f"{signs[currency]}{number}" if currency in signs else f"{number} {currency.upper()}"
