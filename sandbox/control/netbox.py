"""NetBox: its objects, its tokens, and how it treats the next calls."""

from typing import Any

from ..engine.work import Work
from ..outside import moods
from ..outside.netbox import MOOD, Database, seeding, tokens
from ..world import World
from .calls import Body, Route


def listing(world: World, _body: Body) -> Any:
    """Address, mood, tokens in clear, and how many objects there are of each kind."""
    with world.store.transaction() as work:
        database = Database(work)
        seeding.ensure(database)
        return {
            "url": f"{world.store.public_url}/netbox",
            "mood": moods.current(work, MOOD),
            "tokens": database.rows(tokens.TABLE),
            "objects": {name: len(database.rows(model.label)) for name, model in seeding.NAMES.items()},
        }


def seed(world: World, body: Body) -> Any:
    """Makes objects; see outside/netbox/seeding.py. Returns their ids."""
    return world.store.run(_seed, body)


def token(world: World, body: Body) -> Any:
    """Makes a token; see outside/netbox/tokens.py. Returns it in clear."""
    with world.store.transaction() as work:
        database = Database(work)
        seeding.ensure(database)
        return tokens.add(database, body)


def mood(world: World, body: Body) -> Any:
    """Sets how the next calls are treated: an HTTP status, slow, drop or lost_answer."""
    return world.store.run(moods.change, MOOD, body)


def forget(world: World, _body: Body) -> Any:
    """Takes everything out; the first tokens come back."""
    with world.store.transaction() as work:
        seeding.clear(Database(work))
    return {"status": "ok"}


def _seed(work: Work, body: Body) -> Any:
    return seeding.seed(Database(work), body)


ROUTES: list[Route] = [
    ("GET", "/_sandbox/netbox", listing),
    ("DELETE", "/_sandbox/netbox", forget),
    ("POST", "/_sandbox/netbox/objects", seed),
    ("POST", "/_sandbox/netbox/tokens", token),
    ("POST", "/_sandbox/netbox/mood", mood),
]
