"""Reading and comparing the values of filters, with Django's words for what cannot be read."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from ..tables import Row

Test: TypeAlias = Callable[[Row], bool]


class Invalid(Exception):
    """A filter's value that NetBox answers with 400."""

    @classmethod
    def choice(cls, value: str) -> "Invalid":
        """A tenant, status or tag that there is not."""
        return cls(f"Select a valid choice. {value} is not one of the available choices.")


def number(value: Any) -> Decimal:
    """A number; Invalid when it is none."""
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise Invalid("Enter a number." if "." in str(value) else "Enter a whole number.") from error


def moment(value: Any) -> datetime:
    """A time, UTC when it names no zone; Invalid when it is none."""
    try:
        read = datetime.fromisoformat(str(value).replace(" ", "T", 1))
    except ValueError as error:
        raise Invalid("Enter a valid date/time.") from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def truth(value: str) -> bool:
    """A yes or no as Django's forms read it."""
    return value.lower() not in ("false", "0", "no", "off")


def compared(name: str, lookup: str, values: list[str], read: Callable[[Any], Any]) -> Test | None:
    """A filter on numbers or times: equal to any of the values, n, lt, lte, gt, gte, empty; None for another lookup."""
    if lookup == "empty":
        return _empty(name, values)
    orders: dict[str, Callable[[Any, Any], bool]] = {
        "": lambda held, wanted: held == wanted,
        "n": lambda held, wanted: held == wanted,
        "lt": lambda held, wanted: held < wanted,
        "lte": lambda held, wanted: held <= wanted,
        "gt": lambda held, wanted: held > wanted,
        "gte": lambda held, wanted: held >= wanted,
    }
    if lookup not in orders:
        return None
    limits = [read(value) for value in values]
    order = orders[lookup]

    def test(row: Row) -> bool:
        held = row.get(name)
        fits = held is not None and any(order(read(held), limit) for limit in limits)
        return fits != (lookup == "n")

    return test


def text_test(name: str, lookup: str, values: list[str]) -> Test | None:
    """A filter on text: equal to any of the values, ie, ic, isw, iew, regex, each with n for not; empty; None for
    another lookup.
    """
    if lookup == "empty":
        return _empty(name, values)
    negated = lookup in ("n", "nie", "nic", "nisw", "niew")
    plain = {"": "", "n": ""}.get(lookup, lookup.removeprefix("n"))
    fits: dict[str, Callable[[str, str], bool]] = {
        "": lambda held, wanted: held == wanted,
        "ie": lambda held, wanted: held.lower() == wanted.lower(),
        "ic": lambda held, wanted: wanted.lower() in held.lower(),
        "isw": lambda held, wanted: held.lower().startswith(wanted.lower()),
        "iew": lambda held, wanted: held.lower().endswith(wanted.lower()),
        "regex": lambda held, wanted: re.search(wanted, held) is not None,
        "iregex": lambda held, wanted: re.search(wanted, held, re.IGNORECASE) is not None,
    }
    if plain not in fits:
        return None
    fit = fits[plain]
    return lambda row: any(fit(str(row.get(name) or ""), value) for value in values) != negated


def _empty(name: str, values: list[str]) -> Test:
    wanted = truth(values[0])
    return lambda row: (row.get(name) in (None, "")) == wanted
