"""Pages of a list: `limit` and `offset`, or `start`, a cursor by id that counts nothing. As NetBox 4.6.8 does it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from ..tables import Row
from .errors import Refused

PAGE = 50
LARGEST_PAGE = 1000
_NO_CURSOR = "Invalid 'start' parameter: must be a non-negative integer."


def limit_of(params: "MultiDict[str, str]") -> int:
    """How many objects a page has; 0 means as many as NetBox gives, which is never all."""
    try:
        given = int(params["limit"])
    except (KeyError, ValueError):
        return PAGE
    if given < 0:
        return PAGE
    return min(given or LARGEST_PAGE, LARGEST_PAGE)


def page(
    rows: Sequence[Row], params: "MultiDict[str, str]", url: str
) -> tuple[Sequence[Row], int | None, str | None, str | None]:
    """The rows of the page, `count`, and the addresses `next` and `previous`. Refused for contradicting cursors."""
    limit = limit_of(params)
    if "start" in params:
        return _by_cursor(rows, params, url, limit)
    offset = _offset_of(params)
    behind = offset + limit
    following = _address(url, params, {"limit": limit, "offset": behind}) if behind < len(rows) else None
    before = offset - limit
    previous = None
    if offset > 0:
        previous = _address(url, params, {"limit": limit, **({"offset": before} if before > 0 else {"offset": None})})
    return rows[offset:behind], len(rows), following, previous


def _by_cursor(
    rows: Sequence[Row], params: "MultiDict[str, str]", url: str, limit: int
) -> tuple[Sequence[Row], None, str | None, None]:
    try:
        start = int(params["start"])
    except ValueError as error:
        raise Refused(400, [_NO_CURSOR]) from error
    if start < 0:
        raise Refused(400, [_NO_CURSOR])
    if "offset" in params:
        raise Refused(400, ["'start' and 'offset' are mutually exclusive."])
    if "ordering" in params:
        raise Refused(400, ["Ordering cannot be specified in conjunction with cursor-based pagination."])
    found = sorted((row for row in rows if row["id"] >= start), key=lambda row: int(row["id"]))[:limit]
    if len(found) < limit:
        return found, None, None, None
    return found, None, _address(url, params, {"start": found[-1]["id"] + 1, "limit": limit}), None


def _offset_of(params: "MultiDict[str, str]") -> int:
    try:
        return max(int(params.get("offset", "0")), 0)
    except ValueError:
        return 0


def _address(url: str, params: "MultiDict[str, str]", changes: dict[str, int | None]) -> str:
    kept = [(key, value) for key, value in params.items(multi=True) if key not in changes]
    added = [(key, str(value)) for key, value in changes.items() if value is not None]
    return f"{url}?{urlencode(sorted([*kept, *added]))}"
