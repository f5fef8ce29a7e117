"""Security tests sign in often: cheap hashes, isolated browsers, and the owner's view of the tables."""

from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from portal.config import Settings
from tests.support import people


@pytest.fixture(autouse=True)
def _cheap_hashes(request: pytest.FixtureRequest) -> None:
    if "app" in request.fixturenames:
        people.prepare(request.getfixturevalue("app"))


@pytest.fixture(name="owner")
def fixture_owner(app: APIFlask) -> Iterator[Connection]:
    """A superuser's connection in autocommit: to look at rows, to age them, to tamper with them."""
    settings: Settings = app.extensions["settings"]
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
