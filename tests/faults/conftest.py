"""A place for many journeys, made once for each module."""

from collections.abc import Iterator

import pytest

from tests.faults import world
from tests.faults.journey import warm_up
from tests.faults.world import World


@pytest.fixture(scope="module", name="place")
def fixture_place(template: str) -> Iterator[World]:
    with world.made(template) as made:
        warm_up(made)
        yield made
