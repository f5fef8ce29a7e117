"""What went over the wire, whole: requests with their answers, deliveries with theirs."""

from typing import Any

from ..world import World
from .calls import Body, Route, count, known


def listing(world: World, body: Body) -> Any:
    """Newest first; `kind` is request, outside or delivery, `match` is "METHOD /path" with `*`, `limit` up to 500."""
    known(body, "kind", "match", "limit")
    limit = count(body, "limit", 100, most=500)
    return {"data": world.wire.entries(kind=body.get("kind"), match=body.get("match"), limit=limit)}


def forget(world: World, _body: Body) -> Any:
    """Empties the log."""
    world.wire.clear()
    return {"status": "ok"}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/wire", listing),
    ("DELETE", "/_sandbox/wire", forget),
]
