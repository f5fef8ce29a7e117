"""JSON without loss: decimals are numbers with all their digits both ways, times are ISO 8601 in UTC."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import simplejson
from flask.json.provider import JSONProvider


class ExactJSONProvider(JSONProvider):
    """In place of Flask's own, which makes texts of decimals, floats of what it reads, and HTTP dates of times."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return simplejson.dumps(obj, use_decimal=True, default=_plain, namedtuple_as_object=True, **kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return simplejson.loads(s, use_decimal=True, **kwargs)


def shortest(number: Decimal) -> Decimal:
    """The same number without zeros at its end, never with an exponent: ``100``, not ``100.000000000`` or ``1E+2``."""
    trimmed = number.normalize()
    return trimmed.quantize(Decimal(1)) if trimmed == trimmed.to_integral_value() else trimmed


def in_utc(moment: datetime) -> str:
    """A moment as answers have it: ``2026-11-24T00:07:40Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return in_utc(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
