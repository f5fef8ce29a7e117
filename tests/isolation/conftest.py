"""One world for all tests of a file: whatever they try, it must stay as it was."""

from collections.abc import Iterator

import pytest

from portal import config
from tests.isolation.world import World, inhabited
from tests.support import database
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="module", name="world")
def fixture_world(shop: str, stripe_sandbox: Sandbox) -> Iterator[World]:
    with database.cloned(shop) as name:
        settings = config.load(database.environment(name, **stripe_sandbox.environment()))
        with inhabited(settings, stripe_sandbox) as world:
            yield world
