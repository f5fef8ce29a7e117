"""Cursor lists: newest first, 1 to 100 objects a page, `starting_after` or `ending_before` an id."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from ..errors import InvalidRequest

_DEFAULT, _MOST = 10, 100


def page(items: Iterable[dict[str, Any]], params: dict[str, Any], url: str) -> dict[str, Any]:
    """One page of the list object.

    InvalidRequest for a limit outside 1..100, both cursors, or a cursor that names no object of the list.
    """
    limit = params.get("limit", _DEFAULT)
    if not 1 <= limit <= _MOST:
        bound = f"less than or equal to {_MOST}" if limit > _MOST else "greater than or equal to 1"
        raise InvalidRequest(
            f"This value must be {bound} (it currently is '{limit}').",
            code="parameter_invalid_integer",
            param="limit",
        )
    after, before = params.get("starting_after"), params.get("ending_before")
    if after is not None and before is not None:
        raise InvalidRequest(
            "Received both starting_after and ending_before parameters. Please pass in only one.",
            param="starting_after",
        )
    if before is not None:
        newer = _until(items, before)
        data, more = newer[-limit:], len(newer) > limit
    else:
        rest = iter(items) if after is None else _beyond(items, after)
        data = list(islice(rest, limit + 1))
        data, more = data[:limit], len(data) > limit
    return {"object": "list", "data": data, "has_more": more, "url": url}


def _until(items: Iterable[dict[str, Any]], cursor: str) -> list[dict[str, Any]]:
    newer: list[dict[str, Any]] = []
    for item in items:
        if item["id"] == cursor:
            return newer
        newer.append(item)
    raise _no_such(cursor, "ending_before")


def _beyond(items: Iterable[dict[str, Any]], cursor: str) -> Iterable[dict[str, Any]]:
    rest = iter(items)
    for item in rest:
        if item["id"] == cursor:
            return rest
    raise _no_such(cursor, "starting_after")


def _no_such(cursor: str, param: str) -> InvalidRequest:
    return InvalidRequest(f"No such object: '{cursor}'", code="resource_missing", param=param)
