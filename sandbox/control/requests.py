"""The log of API requests in one line each; /_sandbox/wire has them whole."""

from typing import Any

from ..world import World
from .calls import Body, Route


def listing(world: World, _body: Body) -> Any:
    """The last ones, newest first."""
    return {"data": world.api.requests.entries()}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/requests", listing),
]
