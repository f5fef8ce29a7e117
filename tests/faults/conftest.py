"""A place for many journeys, made once for each module."""

from collections.abc import Iterator

import pytest

from portal.outbox.wake import bell
from tests.faults import forks, world
from tests.faults.journeys.purchase import Purchase
from tests.faults.world import World
from tests.support import database


@pytest.fixture(scope="module", name="place")
def fixture_place(template: str) -> Iterator[World]:
    with world.made(template) as made:
        warm_up(made)
        yield made


def warm_up(made: World) -> None:
    """One purchase in this process: what it imports, compiles and reads need not be done again by each fork."""
    Purchase(made, run=forks.here).live()
    for app in (made.web, made.worker):
        with app.app_context():
            bell().redis.close()
            database.dispose(app)
