"""Stripe's events, all of them, without the API's thirty days."""

from typing import Any

from ..engine.work import Work
from ..world import World
from .calls import Body, Route


def listing(world: World, _body: Body) -> Any:
    """Newest first."""
    with world.store.transaction() as work:
        return {"data": list(work.all("event"))}


def forget(world: World, _body: Body) -> Any:
    """Removes them all, as if thirty days had passed."""
    return {"deleted": world.store.run(_forget)}


def _forget(work: Work) -> int:
    events = list(work.all("event"))
    for event in events:
        work.remove("event", event["id"])
    return len(events)


ROUTES: list[Route] = [
    ("GET", "/_sandbox/events", listing),
    ("DELETE", "/_sandbox/events", forget),
]
