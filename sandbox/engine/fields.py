"""Small rules that many objects share: metadata, cleared fields, list filters, addresses."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import InvalidRequest
from .work import Obj

ADDRESS_KEYS = ("city", "country", "line1", "line2", "postal_code", "state")
Number = TypeVar("Number", int, Decimal)


def merged_metadata(current: Obj, given: Any, *, param: str = "metadata") -> Obj:
    """Metadata after an update: keys are merged, an empty value removes its key, "" removes all.

    Raises InvalidRequest beyond 50 keys, 40 characters a key or 500 a value.
    """
    if given is None:
        return dict(current)
    if given == "":
        return {}
    result = dict(current)
    for key, value in given.items():
        _check_metadata(key, value, param)
        if value == "":
            result.pop(key, None)
        else:
            result[key] = value
    if len(result) > 50:
        raise InvalidRequest("Metadata can have at most 50 keys.", param=param)
    return result


def new_metadata(given: Any) -> Obj:
    """Metadata of a new object."""
    return merged_metadata({}, given)


def cleared(value: Any) -> Any:
    """A parameter as it is stored: the empty string clears the field."""
    return None if value == "" else value


def absent(*names: str) -> Obj:
    """Keys that the contract requires and that have no value here."""
    return dict.fromkeys(names)


def address(given: Any) -> Obj | None:
    """An address with all of its keys, or None when there is none."""
    if not given:
        return None
    return {key: cleared(given.get(key)) for key in ADDRESS_KEYS}


def web_address(url: str, param: str) -> str:
    """The address itself; InvalidRequest (url_invalid) when it is not http or https with a host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest(
            "Invalid URL: An explicit scheme (such as https) must be provided.", code="url_invalid", param=param
        )
    return url


def non_negative(value: Number, param: str) -> Number:
    """The quantity, or number of days, itself; InvalidRequest (parameter_invalid_integer) when it is below zero."""
    if value < 0:
        raise InvalidRequest("Invalid non-negative integer", code="parameter_invalid_integer", param=param)
    return value


def inside(path: str, name: str) -> str:
    """The path of a parameter within another one, `items[0][price]`; at the top level `path` is empty."""
    return f"{path}[{name}]" if path else name


def in_range(value: int, wanted: Any) -> bool:
    """Whether a time meets a list filter: a number, or an object with gt, gte, lt, lte (UTC seconds)."""
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return value == wanted
    return bool(
        value > wanted.get("gt", value - 1)
        and value >= wanted.get("gte", value)
        and value < wanted.get("lt", value + 1)
        and value <= wanted.get("lte", value)
    )


def where(bodies: Iterable[Obj], params: Obj, *names: str) -> Iterator[Obj]:
    """The objects whose fields equal the named filters and whose `created` is in range."""
    wanted = {name: params[name] for name in names if name in params}
    for body in bodies:
        if in_range(body["created"], params.get("created")) and all(
            body.get(name) == value for name, value in wanted.items()
        ):
            yield body


def list_object(data: list[Obj], url: str) -> Obj:
    """A list embedded in an object, complete (has_more false)."""
    return {"object": "list", "data": data, "has_more": False, "url": url}


def _check_metadata(key: str, value: str, param: str) -> None:
    if len(key) > 40:
        raise InvalidRequest(f"Metadata keys can be at most 40 characters: {key}", param=f"{param}[{key}]")
    if len(value) > 500:
        raise InvalidRequest(
            f"Metadata values can have up to 500 characters, but you passed in a value that is "
            f"{len(value)} characters. Invalid value: {value[:40]}",
            param=f"{param}[{key}]",
        )
