"""How amounts, numbers and dates look to people, by format locale (``es_MX``), not by language.

Pure functions over Babel, shared by pages, mails and documents. Lists repeat their days and amounts, so those are
kept: Babel takes longer for one amount than a page of fifty rows may. Negative values carry a true minus sign
(U+2212), which screen readers say and which does not break at a line's end as a hyphen does.
"""

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.numbers import (
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
)

from portal.money import exponent, to_decimal

FALLBACK_LOCALE = "en_US"
DateStyle = Literal["short", "medium", "long", "full"]

_COMPACT_FROM = 10_000
_THOUSAND = Decimal(1000)
_MINUS = "\u2212"
_NO_BREAK_SPACE = "\u00a0"
# Babel leaves out CLDR's rule that a currency shown by letters is set apart from its digits: "USD29.00".
_CODE_TOUCHES_DIGIT = re.compile(r"([A-Z]{3})(?=\d)")


@lru_cache(maxsize=64)
def known_locale(name: str) -> str:
    """Return ``name`` when Babel knows that locale (``es-MX`` and ``es_MX`` alike), else ``en_US``."""
    try:
        return str(Locale.parse(name.replace("-", "_")))
    except (ValueError, UnknownLocaleError):
        return FALLBACK_LOCALE


@lru_cache(maxsize=4096, typed=True)
def money(amount_minor: int, currency: str, locale: str) -> str:
    """Return minor units as text with its currency: 2900 usd en_US → ``$29.00``. Never rounds."""
    return _currency(to_decimal(amount_minor, currency), currency, locale)


def unit_price(amount_minor: Decimal, currency: str, locale: str) -> str:
    """Return a price per unit, given in (fractions of) minor units, with every digit it has.

    Metered prices are finer than a cent: 0.025 usd cents → ``$0.00025``.
    """
    return _currency(amount_minor.scaleb(-exponent(currency)).normalize(), currency, locale)


def number(value: int | float | Decimal, locale: str) -> str:
    """Return a quantity with the locale's separators and all of its digits."""
    if isinstance(value, float):  # of a plan's limits, which are JSON
        value = Decimal(str(value))
    decimals = max(0, -int(Decimal(value).normalize().as_tuple().exponent))
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return _minus(format_decimal(value, format=pattern, locale=known_locale(locale)))


def compact(value: Decimal, locale: str, beside: Decimal = Decimal(0)) -> str:
    """Return a round quantity as briefly as the locale has it, from ten thousand on: 12,500 → ``12.5K``.

    From one thousand on where it stands ``beside`` one of ten thousand or more.
    """
    if max(abs(value), abs(beside)) < _COMPACT_FROM or abs(value) < _THOUSAND:
        return number(value, locale)
    return _minus(format_compact_decimal(value, locale=known_locale(locale), fraction_digits=1))


def percent(value: Decimal, locale: str) -> str:
    """Return a percentage given in percent, as Stripe states rates: 8.875 → ``8.875%``."""
    text = format_percent(value / 100, locale=known_locale(locale), decimal_quantization=False)
    return _minus(text)


def date(value: dt.date | dt.datetime, locale: str, style: DateStyle = "long", timezone: str = "UTC") -> str:
    """Return a day in words. A moment (aware datetime) is the day that it falls on in ``timezone``."""
    if isinstance(value, dt.datetime):
        value = _aware(value).astimezone(ZoneInfo(timezone)).date()
    return _day(value, locale, style)


def datetime(value: dt.datetime, locale: str, timezone: str = "UTC", style: DateStyle = "medium") -> str:
    """Return a moment (aware datetime) as date and time in ``timezone``, with the zone's short name."""
    name, zone = known_locale(locale), ZoneInfo(timezone)
    moment = format_datetime(_aware(value), format=style, tzinfo=zone, locale=name)
    return f"{moment} {format_time(value, format='z', tzinfo=zone, locale=name)}"


def day_and_month(value: dt.date, locale: str) -> str:
    """Return a day without its year: ``Nov 3``."""
    return format_skeleton("MMMd", value, locale=known_locale(locale))


def hour(value: dt.datetime, locale: str, timezone: str = "UTC") -> str:
    """Return the hour that a moment (aware datetime) falls in, as the locale counts them: ``3 PM``, ``15:00``."""
    name = known_locale(locale)
    pattern = "h a" if "a" in str(Locale.parse(name).time_formats["short"].pattern) else "HH:mm"
    return format_time(_aware(value), format=pattern, tzinfo=ZoneInfo(timezone), locale=name)


def _currency(amount: Decimal, currency: str, locale: str) -> str:
    code, digits = currency.upper(), _shown_digits(amount, currency)
    name = known_locale(locale)
    pattern = _pattern(name).replace("0.00", "0" + ("." + "0" * digits if digits else ""))
    text = format_currency(amount, code, format=pattern, locale=name, currency_digits=False)
    return _minus(_CODE_TOUCHES_DIGIT.sub(rf"\1{_NO_BREAK_SPACE}", text))


def _shown_digits(amount: Decimal, currency: str) -> int:
    """Digits people expect (CLDR), more when the amount has them: hiding one would misstate money."""
    usual = min(get_currency_precision(currency.upper()), exponent(currency))
    needed = -int(amount.normalize().as_tuple().exponent)
    return usual if needed <= usual else max(needed, exponent(currency))


@lru_cache(maxsize=4096)
def _day(value: dt.date, locale: str, style: DateStyle) -> str:
    return format_date(value, format=style, locale=known_locale(locale))


@lru_cache(maxsize=64)
def _pattern(locale: str) -> str:
    return str(Locale.parse(locale).currency_formats["standard"].pattern)


def _minus(text: str) -> str:
    return text.replace("-", _MINUS)


def _aware(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be shown: which day is it?")
    return value
