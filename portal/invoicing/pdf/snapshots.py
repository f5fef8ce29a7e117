"""Frozen dataclasses to plain JSON and back, strictly: a snapshot that does not fit is refused by name."""

import datetime as dt
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_SCALARS = (str, int, bool, Decimal, dt.date)


class InvalidDocument(ValueError):
    """A document's content or its stored snapshot cannot be rendered; the message names the field."""


def to_json(value: Any) -> Any:
    """Return ``value`` as JSON values: objects, lists, text, whole numbers, true, false, null."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def from_json(target: type[T], values: Any, at: str = "document") -> T:
    """Return the dataclass ``target`` made of JSON ``values``. Raises InvalidDocument."""
    _require(isinstance(values, Mapping), at, "an object")
    hints = get_type_hints(target)
    if unknown := sorted(set(values) - set(hints)):
        raise InvalidDocument(f"{at} has unknown fields: {', '.join(map(str, unknown))}")
    read: dict[str, Any] = {}
    for field in fields(target):  # type: ignore[arg-type]  # every caller passes a dataclass
        if field.name in values:
            read[field.name] = _read(hints[field.name], values[field.name], f"{at}.{field.name}")
        elif field.default is MISSING:
            raise InvalidDocument(f"{at}.{field.name} is missing")
    return target(**read)


def _read(hint: Any, value: Any, at: str) -> Any:
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else _read(next(o for o in options if o is not type(None)), value, at)
    if origin is tuple:
        _require(isinstance(value, list | tuple), at, "a list")
        return tuple(_read(options[0], item, f"{at}[{index}]") for index, item in enumerate(value))
    if origin is Literal:
        _require(value in options, at, f"one of {', '.join(options)}")
        return value
    return _read_scalar(hint, value, at) if hint in _SCALARS else from_json(hint, value, at)


def _read_scalar(hint: Any, value: Any, at: str) -> Any:
    if hint is int:
        _require(type(value) is int, at, "a whole number")
    elif hint is bool:
        _require(isinstance(value, bool), at, "true or false")
    else:
        _require(isinstance(value, str), at, "text")
    try:
        read = dt.date.fromisoformat(value) if hint is dt.date else Decimal(value) if hint is Decimal else value
    except (ValueError, InvalidOperation) as error:
        raise InvalidDocument(f"{at} cannot be read: {value!r}") from error
    _require(not isinstance(read, Decimal) or read.is_finite(), at, "a finite number")
    return read


def _require(holds: bool, at: str, what: str) -> None:
    if not holds:
        raise InvalidDocument(f"{at} must be {what}")
