"""A field for amounts in one currency or several: ``5``, ``5.00 USD``, ``5.00 USD; 4.50 EUR``."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import list_currencies
from flask_babel import gettext
from wtforms import Field
from wtforms.widgets import TextInput

from portal import money

_ENTRY = re.compile(r"(?P<amount>\S+)(?:\s+(?P<code>[A-Za-z]{3}))?")
_LONGEST = 400


class AmountsField(Field):  # type: ignore[misc]  # WTForms ships no types
    """``data``: minor units by lower-case currency, empty for an empty field.

    An amount without a code is in ``currency()``, the installation's. Decimals are written with a point.
    """

    widget = TextInput()

    def __init__(self, label: Any, currency: Callable[[], str], **options: Any) -> None:
        super().__init__(label, **options)
        self._currency = currency
        self.entered = ""

    def _value(self) -> str:
        return self.entered

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError with a translated sentence, which WTForms shows beside the field."""
        self.entered = valuelist[0].strip() if valuelist else ""
        self.data = dict(self._entries(self.entered)) if self.entered else {}

    def _entries(self, text: str) -> Iterator[tuple[str, int]]:
        seen: set[str] = set()
        for part in text[:_LONGEST].split(";"):
            found = _ENTRY.fullmatch(part.strip())
            code = ((found and found["code"]) or self._currency()).lower()
            if found is None or code in seen or code.upper() not in list_currencies():
                raise ValueError(gettext("Write one amount for each currency, such as 5.00 USD; 4.50 EUR."))
            seen.add(code)
            yield code, self._minor(found["amount"], code)

    def _minor(self, amount: str, code: str) -> int:
        try:
            return money.from_decimal(Decimal(amount), code)
        except InvalidOperation:
            raise ValueError(gettext("Write one amount for each currency, such as 5.00 USD; 4.50 EUR.")) from None
        except money.InvalidAmount:
            raise ValueError(gettext("This amount has more digits than the currency.")) from None


class AmountField(Field):  # type: ignore[misc]  # WTForms ships no types
    """An amount in a currency that is known elsewhere: ``5.00``. ``data`` is a Decimal; see :meth:`minor`."""

    widget = TextInput()

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, **options)
        self.entered = ""
        self.data: Decimal | None = None

    def _value(self) -> str:
        return self.entered

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError with a translated sentence, which WTForms shows beside the field."""
        self.entered, self.data = valuelist[0].strip()[:_LONGEST] if valuelist else "", None
        try:
            self.data = Decimal(self.entered)
        except InvalidOperation:
            raise ValueError(gettext("Enter an amount, such as 12.50.")) from None

    def minor(self, currency: str) -> int:
        """What was entered in minor units. Raises ValueError with a translated sentence."""
        try:
            return money.from_decimal(self.data or Decimal(0), currency)
        except money.InvalidAmount:
            raise ValueError(gettext("This amount has more digits than the currency.")) from None
