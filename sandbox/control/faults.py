"""Make the next call fail: of the API, or of Slack, NetBox, Odoo and the receivers beside it."""

from typing import Any

from ..world import World
from .calls import Body, Route


def listing(world: World, _body: Body) -> Any:
    """The faults that still wait for a call."""
    return {"waiting": world.api.faults.waiting()}


def add(world: World, body: Body) -> Any:
    """Puts one at the end of the queue; see wire/faults.py for the modes."""
    world.api.faults.add(body)
    return listing(world, {})


def clear(world: World, _body: Body) -> Any:
    """Forgets all of them."""
    world.api.faults.clear()
    return listing(world, {})


ROUTES: list[Route] = [
    ("GET", "/_sandbox/fail", listing),
    ("POST", "/_sandbox/fail", add),
    ("DELETE", "/_sandbox/fail", clear),
]
