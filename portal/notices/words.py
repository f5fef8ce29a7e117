"""Sentences, amounts, days and addresses as the reader of the message being composed wants them."""

from datetime import datetime
from typing import Any

from flask import current_app

from portal import formats, i18n
from portal.i18n import viewer


def gettext(message: str, **values: Any) -> str:
    """The sentence in the reader's language. The name is the one that the extraction of texts looks for."""
    return str(i18n.gettext(message, **values))


def money(amount_minor: int, currency: str) -> str:
    """Minor units in the reader's writing: 2900 usd → ``$29.00``."""
    return formats.money(amount_minor, currency, viewer().format_locale)


def money_with_code(amount_minor: int, currency: str) -> str:
    """The same with its ISO code beside a bare sign: "$" may be anyone's dollar or peso; "US$" says whose it is."""
    text = money(amount_minor, currency)
    is_bare = not any(character.isalpha() for character in text)
    return f"{text}\u00a0{currency.upper()}" if is_bare else text


def day(moment: datetime) -> str:
    """The day of a moment, in the reader's time zone and words."""
    return formats.date(moment, viewer().format_locale, "long", viewer().timezone)


def moment(at: datetime) -> str:
    """Day and time, in the reader's time zone and words."""
    return formats.datetime(at, viewer().format_locale, viewer().timezone)


def address(path: str) -> str:
    """The absolute address of a page of the portal."""
    return f"{current_app.extensions['settings'].public_url}{path}"
