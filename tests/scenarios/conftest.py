"""Portals whose tenants live on test clocks, each on its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import text

from portal import config
from tests.pages import rows
from tests.support import database, invariants
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


@pytest.fixture(name="owner_sql")
def fixture_owner_sql(settings: config.Settings) -> Callable[..., None]:
    """``owner_sql("UPDATE …", name=value)``: what no role of the running portal may do."""

    def run(statement: str, **values: Any) -> None:
        with rows.written(settings) as session:
            session.execute(text(statement), values)

    return run


@pytest.fixture(autouse=True)
def fixture_money_holds(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a life went through has to add up."""
    yield from invariants.after_each_test(request)
