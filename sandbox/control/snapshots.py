"""Keep the whole state under a name and come back to it, as often as wanted."""

from typing import Any

from ..world import World
from .calls import Body, Route, known


def listing(world: World, _body: Body) -> Any:
    """What is kept, oldest first."""
    return {"data": world.snapshots.listing()}


def take(world: World, body: Body) -> Any:
    """Keeps the state under `name`; a snapshot of that name is replaced."""
    known(body, "name")
    return world.snapshots.take(str(body["name"]))


def restore(world: World, _body: Body, name: str) -> Any:
    """Puts everything back as it was."""
    return world.snapshots.restore(name)


def delete(world: World, _body: Body, name: str) -> Any:
    """Forgets one."""
    world.snapshots.delete(name)
    return {"deleted": name}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/snapshots", listing),
    ("POST", "/_sandbox/snapshots", take),
    ("POST", "/_sandbox/snapshots/<name>/restore", restore),
    ("DELETE", "/_sandbox/snapshots/<name>", delete),
]
