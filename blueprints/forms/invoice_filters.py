"""What an address asks for of the invoices; what cannot be understood is said, and lets everything through."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext

from portal.invoicing.filters import LONGEST_NUMBER, STATUSES, Filters

_LARGEST = Decimal(10) ** 12


def parse(arguments: Mapping[str, str]) -> tuple[Filters, dict[str, str]]:
    """The filters of an address, and a translated sentence by the name of each argument that makes no sense."""
    faults: dict[str, str] = {}

    def read(name: str, convert: Callable[[str], Any]) -> Any:
        text = arguments.get(name, "").strip()
        try:
            return convert(text) if text else None
        except (ValueError, InvalidOperation) as error:
            faults[name] = str(error.args[0]) if isinstance(error, _FaultError) else gettext("Please check this.")
            return None

    found = Filters(
        status=read("status", _status) or "",
        number=read("number", _number) or "",
        issued_from=read("from", date.fromisoformat),
        issued_to=read("to", date.fromisoformat),
        least=read("min", _amount),
        most=read("max", _amount),
    )
    return found, faults


class _FaultError(ValueError):
    """With the sentence to be said."""


def _status(text: str) -> str:
    if text not in STATUSES:
        raise ValueError
    return text


def _number(text: str) -> str:
    if len(text) > LONGEST_NUMBER or not text.isprintable():
        raise ValueError
    return text


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount) > _LARGEST:
        raise _FaultError(gettext("Enter an amount, such as 12.50."))
    return amount
