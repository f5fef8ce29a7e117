"""The global clock."""

from typing import Any

from ..world import World
from .calls import Body, Route


def advance(world: World, body: Body) -> Any:
    """Moves it forward by `advance_seconds` and does what became due."""
    return {"now": world.advance(int(body["advance_seconds"]))}


ROUTES: list[Route] = [
    ("POST", "/_sandbox/clock", advance),
]
