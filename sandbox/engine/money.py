"""Amounts: integers of minor units, rounded in one place.

Rounding is half up to the minor unit, away from zero, per line. Stripe publishes that rule for its own fees
only; for invoices it is assumed, and so is everything here that says "assumed".
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from ..errors import InvalidRequest, NotModelled

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
# In the order of Stripe's own message; without usdc, which no card pays. SLE and XCG are newer than SLL and ANG.
CURRENCIES = (
    *("usd", "aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn"),
    *("bhd", "bif", "bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "clp", "cny"),
    *("cop", "crc", "cve", "czk", "djf", "dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel"),
    *("gip", "gmd", "gnf", "gtq", "gyd", "hkd", "hnl", "hrk", "htg", "huf", "idr", "ils", "inr", "isk", "jmd"),
    *("jod", "jpy", "kes", "kgs", "khr", "kmf", "krw", "kwd", "kyd", "kzt", "lak", "lbp", "lkr", "lrd", "lsl"),
    *("mad", "mdl", "mga", "mkd", "mmk", "mnt", "mop", "mro", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad"),
    *("ngn", "nio", "nok", "npr", "nzd", "omr", "pab", "pen", "pgk", "php", "pkr", "pln", "pyg", "qar", "ron"),
    *("rsd", "rub", "rwf", "sar", "sbd", "scr", "sek", "sgd", "shp", "sle", "sll", "sos", "srd", "std", "szl"),
    *("thb", "tjs", "tnd", "top", "try", "ttd", "twd", "tzs", "uah", "ugx", "uyu", "uzs", "vnd", "vuv", "wst"),
    *("xaf", "xcd", "xcg", "xof", "xpf", "yer", "zar", "zmw", "ghs", "eek", "lvl", "svc", "vef", "ltl"),
)
# Currencies that Stripe bills with two decimals of which both must be zero.
_SPECIAL = frozenset(("isk", "ugx"))
# What Stripe charges at least, in minor units; 50 for the others is assumed.
SMALLEST_CHARGE = {
    "aed": 200, "bgn": 100, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "jpy": 50,
    "mxn": 1000, "myr": 200, "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000,
}  # fmt: skip

# What Stripe charges at most, in minor units of any currency: eight digits.
LARGEST_CHARGE = 99_999_999


def rounded(amount: Decimal | Fraction | int, currency: str = "usd") -> int:
    """Half up to the smallest amount of the currency (0.5 -> 1, -0.5 -> -1), exact before that.

    Of three-decimal currencies the last digit is 0, so they are rounded to tens (assumed: half up too).
    """
    exact = Fraction(amount) / step(currency)
    whole = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return (whole if exact >= 0 else -whole) * step(currency)


def share(amount: int | Decimal, percent: Decimal, currency: str) -> int:
    """So many percent of the amount, rounded."""
    return rounded(Fraction(amount) * Fraction(percent) / 100, currency)


def spread(amount: int, weights: Sequence[int], currency: str) -> list[int]:
    """The amount in parts that are proportional to the weights and sum up to it, none above its weight.

    Each part is rounded half up; what rounding leaves over goes to the largest weight, the first of equals,
    and from there to the next largest when that one is full (assumed). Needs 0 <= amount <= sum(weights).
    """
    total = sum(weights)
    if not 0 <= amount <= total:
        raise ValueError(f"cannot spread {amount} over {total}")
    parts = [rounded(Fraction(amount * weight, total), currency) if total else 0 for weight in weights]
    over = amount - sum(parts)
    for index in sorted(range(len(weights)), key=lambda index: -weights[index]):
        room = weights[index] - parts[index] if over > 0 else -parts[index]
        move = min(over, room) if over > 0 else max(over, room)
        parts[index] += move
        over -= move
    return parts


def step(currency: str) -> int:
    """The smallest difference between two amounts of the currency, in minor units."""
    return 10 if currency in THREE_DECIMAL else 1


def smallest_charge(currency: str) -> int:
    """What Stripe charges at least, in minor units."""
    return SMALLEST_CHARGE.get(currency, 500 if currency in THREE_DECIMAL else 50)


def check_largest(amount: int, currency: str, *, param: str | None = None) -> None:
    """InvalidRequest (amount_too_large) for more minor units than Stripe charges at once."""
    if amount > LARGEST_CHARGE:
        raise InvalidRequest(
            f"Amount must be no more than {formatted(LARGEST_CHARGE, currency)}", code="amount_too_large", param=param
        )


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
    """The currency in lower case; InvalidRequest for one that Stripe does not have, NotModelled for ISK and UGX."""
    code = given.lower()
    if code not in CURRENCIES:
        raise InvalidRequest(
            f"Invalid currency: {code}. Stripe currently supports these currencies: {', '.join(CURRENCIES)}",
            param=param,
        )
    if code in _SPECIAL:
        raise NotModelled(f"the special rules of the currency {code.upper()}", param=param)
    return code


def whole_amount(amount: int, currency: str, *, param: str) -> int:
    """An amount that a request gives; InvalidRequest when the currency has no such amount (KWD 5.124)."""
    if amount % step(currency):
        raise InvalidRequest(
            f"Amounts in {currency.upper()} have three decimals, of which the last must be 0.", param=param
        )
    return amount


def formatted(amount: int, currency: str) -> str:
    """An amount for sentences in English, as Stripe's messages have it: $29.00, otherwise 29.00 EUR."""
    digits = exponent(currency)
    number = f"{Decimal(amount).scaleb(-digits):,.{digits}f}"
    signs = {"usd": "$", "eur": "€", "gbp": "£", "brl": "R$", "jpy": "¥"}
    return f"{signs[currency]}{number}" if currency in signs else f"{number} {currency.upper()}"
