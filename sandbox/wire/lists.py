"""Cursor lists: newest first, 1 to 100 objects a page, `starting_after` or `ending_before` an id."""

from collections.abc import Iterable
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from ..engine.work import shown, spoken
from ..errors import InvalidRequest, ResourceMissing

_DEFAULT, _MOST, _V2_DEFAULT = 10, 100, 20


def page(items: Iterable[dict[str, Any]], params: dict[str, Any], url: str, kind: str) -> dict[str, Any]:
    """One page of the list object; `kind` is what it lists.

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
        newer = _until(items, before, kind)
        data, more = newer[-limit:], len(newer) > limit
    else:
        rest = iter(items) if after is None else _beyond(items, after, kind)
        data = list(islice(rest, limit + 1))
        data, more = data[:limit], len(data) > limit
    return {"object": "list", "data": data, "has_more": more, "url": url}


def search_page(items: Iterable[dict[str, Any]], params: dict[str, Any], url: str, kind: str) -> dict[str, Any]:
    """One page of a search result: `page` is the `next_page` of the one before; `total_count` when expanded."""
    limit = params.get("limit", _DEFAULT)
    if not 1 <= limit <= _MOST:
        raise InvalidRequest(f"`limit` must be between 1 and {_MOST}.", param="limit")
    found = list(items)
    rest = found if "page" not in params else list(_beyond(found, params["page"], kind, "page"))
    data, more = rest[:limit], len(rest) > limit
    body = {
        "object": "search_result",
        "data": data,
        "has_more": more,
        "next_page": data[-1]["id"] if more else None,
        "url": url,
    }
    return {**body, "total_count": len(found)} if "total_count" in params.get("expand", []) else body


def v2_page(items: Iterable[dict[str, Any]], params: dict[str, Any], url: str) -> dict[str, Any]:
    """One page of a list of API v2: the next one by its address, `page` is the id that it starts after."""
    limit = params.get("limit", _V2_DEFAULT)
    if not 1 <= limit <= _MOST:
        raise InvalidRequest(f"`limit` must be between 1 and {_MOST}.", param="limit")
    rest = iter(items) if "page" not in params else _beyond(items, params["page"], "v2.core.event", "page")
    data = [shown(item) for item in islice(rest, limit + 1)]
    following = None
    if len(data) > limit:
        following = f"{url}?{urlencode([*_flat(params), ('page', data[limit - 1]['id'])])}"
    return {"data": data[:limit], "next_page_url": following, "previous_page_url": None}


def _flat(params: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """The parameters of a v2 list, but for its page, as a query has them."""
    for name, value in params.items():
        if isinstance(value, dict):
            yield from ((f"{name}[{key}]", str(item)) for key, item in value.items())
        elif isinstance(value, list):
            yield from ((f"{name}[{index}]", str(item)) for index, item in enumerate(value))
        elif name != "page":
            yield name, str(value)


def _until(items: Iterable[dict[str, Any]], cursor: str, kind: str) -> list[dict[str, Any]]:
    newer: list[dict[str, Any]] = []
    for item in items:
        if item["id"] == cursor:
            return newer
        newer.append(item)
    raise _no_such(kind, cursor, "ending_before")


def _beyond(
    items: Iterable[dict[str, Any]], cursor: str, kind: str, param: str = "starting_after"
) -> Iterable[dict[str, Any]]:
    rest = iter(items)
    for item in rest:
        if item["id"] == cursor:
            return rest
    raise _no_such(kind, cursor, param)


def _no_such(kind: str, cursor: str, param: str) -> ResourceMissing:
    return ResourceMissing(spoken(kind), cursor, param=param)
