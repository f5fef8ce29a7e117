"""The way of webhooks: the tricks that are played on them, and every delivery with its attempts."""

from typing import Any

from ..deliveries import plan, tricks
from ..world import World
from .calls import Body, Route


def listing(world: World, _body: Body) -> Any:
    """The tricks in force and all deliveries, newest first."""
    with world.store.transaction() as work:
        return {"settings": tricks.settings(work), "data": list(work.all(plan.KIND))}


def change(world: World, body: Body) -> Any:
    """Changes tricks; what is not given stays."""
    return {"settings": world.store.run(plan.change, body)}


def redeliver(world: World, body: Body) -> Any:
    """Sends `event` again to every endpoint that wants it."""
    return {"deliveries": world.store.run(plan.redeliver, str(body["event"]))}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/deliveries", listing),
    ("POST", "/_sandbox/deliveries", change),
    ("POST", "/_sandbox/deliveries/redeliver", redeliver),
]
