"""The sandbox as a whole: is it there, and forget everything."""

from typing import Any

from ..world import World
from .calls import Body, Route


def health(world: World, _body: Body) -> Any:
    """Where it is reached and what time it is there."""
    return {
        "status": "ok",
        "url": world.store.public_url,
        "smtp_port": world.mailbox.port,
        "now": world.clock.now(),
    }


def reset(world: World, _body: Body) -> Any:
    """Empties everything but the account, the command line's endpoint and the snapshots."""
    world.reset()
    return {"status": "ok"}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/health", health),
    ("POST", "/_sandbox/reset", reset),
]
