"""Idempotency keys, which Stripe keeps for a day."""

from typing import Any

from ..wire import idempotency
from ..world import World
from .calls import Body, Route


def forget(world: World, _body: Body) -> Any:
    """Removes them all, as if a day had passed: what is asked again then is done again."""
    return {"deleted": world.store.run(idempotency.forget_all)}


ROUTES: list[Route] = [("DELETE", "/_sandbox/keys", forget)]
