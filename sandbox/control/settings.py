"""What the account's owner would set in the Dashboard."""

from typing import Any

from ..engine import account_settings
from ..world import World
from .calls import Body, Route


def show(world: World, _body: Body) -> Any:
    """How subscriptions end after the last failed payment, when payments are retried and invoices announced."""
    with world.store.transaction() as work:
        return _shown(account_settings.current(work))


def change(world: World, body: Body) -> Any:
    """Sets what is given, see account_settings.py for the names."""
    return _shown(world.store.run(account_settings.change, body))


def _shown(settings: Body) -> Body:
    return {name: value for name, value in settings.items() if name != "id"}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/settings", show),
    ("POST", "/_sandbox/settings", change),
]
