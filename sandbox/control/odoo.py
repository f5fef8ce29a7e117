"""Odoo: its records, users and keys, and how it treats the next calls."""

from typing import Any

from ..outside import moods
from ..outside.odoo import MOOD, keys, schema, seeding
from ..outside.odoo.env import table
from ..world import World
from .calls import Body, Route, known


def listing(world: World, body: Body) -> Any:
    """Address, database, mood, users with their keys in clear, and how many records there are of each model; with
    `model` its records, as they are kept.
    """
    known(body, "model")
    with world.store.transaction() as work:
        seeding.ensure(work)
        if "model" in body:
            return {"data": table(work, str(body["model"])).newest()}
        return {
            "url": f"{world.store.public_url}/odoo",
            "database": seeding.DATABASE,
            "mood": moods.current(work, MOOD),
            "users": table(work, keys.USERS).rows(),
            "keys": table(work, keys.KEYS).rows(),
            "records": {model: len(table(work, model).rows()) for model in schema.MODELS},
        }


def seed(world: World, body: Body) -> Any:
    """Makes records, companies and users; see outside/odoo/seeding.py. Returns their ids."""
    return world.store.run(seeding.seed, body)


def mood(world: World, body: Body) -> Any:
    """Sets how the next calls are treated: an HTTP status, slow, drop or lost_answer."""
    return world.store.run(moods.change, MOOD, body)


def forget(world: World, _body: Body) -> Any:
    """Takes everything out; the first company, users and keys come back."""
    world.store.run(seeding.clear)
    return {"status": "ok"}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/odoo", listing),
    ("DELETE", "/_sandbox/odoo", forget),
    ("POST", "/_sandbox/odoo/records", seed),
    ("POST", "/_sandbox/odoo/mood", mood),
]
