"""Portals whose tenants live on test clocks, each on its own."""

from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask

from portal import config
from tests.support import database
from tests.support.life import Life
from tests.support.sandbox import Sandbox


@pytest.fixture(name="settings")
def fixture_settings(shop: str, stripe_sandbox: Sandbox) -> Iterator[config.Settings]:
    with database.cloned(shop) as name:
        more = {**stripe_sandbox.environment(), "STRIPE_TEST_CLOCKS": "1"}
        yield config.load(database.environment(name, **more))


@pytest.fixture(name="life")
def fixture_life(web: APIFlask, stripe_sandbox: Sandbox, drain: Callable[[], int]) -> Life:
    """A new tenant."""
    return Life(web, stripe_sandbox, drain)
