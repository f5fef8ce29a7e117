"""Receivers for signed webhooks: what came, and what they answer."""

from typing import Any

from werkzeug.exceptions import NotFound

from ..outside import hooks, moods
from ..outside.tables import Row, Table
from ..world import World
from .calls import Body, Route


def listing(world: World, _body: Body) -> Any:
    """All receivers, newest first, with all that came."""
    with world.store.transaction() as work:
        return {"data": [hooks.told(row) for row in Table(work, hooks.KIND).newest()]}


def show(world: World, _body: Body, name: str) -> Any:
    """What came to one receiver, newest first, and its mood."""
    with world.store.transaction() as work:
        mine = [hooks.told(row) for row in Table(work, hooks.KIND).newest() if row["name"] == name]
        return {"mood": moods.current(work, hooks.mood_key(name)), "data": mine}


def mood(world: World, body: Body, name: str) -> Any:
    """Sets what it answers: an HTTP status, normal, slow, drop or lost_answer; `answers` for the next ones."""
    if not hooks.NAMES.fullmatch(name):
        raise NotFound("a name has letters, digits, dots, dashes and underscores")
    return world.store.run(moods.change, hooks.mood_key(name), body)


def forget(world: World, _body: Body) -> Any:
    """Throws everything away that came to any receiver."""
    with world.store.transaction() as work:
        return {"deleted": Table(work, hooks.KIND).clear()}


def forget_one(world: World, _body: Body, name: str) -> Any:
    """Throws everything away that came to one receiver."""
    with world.store.transaction() as work:
        table = Table(work, hooks.KIND)
        mine: list[Row] = [row for row in table.rows() if row["name"] == name]
        for row in mine:
            table.remove(row["id"])
    return {"deleted": len(mine)}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/hooks", listing),
    ("DELETE", "/_sandbox/hooks", forget),
    ("GET", "/_sandbox/hooks/<name>", show),
    ("DELETE", "/_sandbox/hooks/<name>", forget_one),
    ("POST", "/_sandbox/hooks/<name>/mood", mood),
]
