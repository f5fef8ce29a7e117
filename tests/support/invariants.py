"""The invariants of money, asked after each test that moves some."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from portal import config, invariants


def require(settings: config.Settings) -> None:
    """Fail when money does not add up in the database of a test; one without invoices is not asked more."""
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool)
    with Session(engine) as session:
        if session.scalar(text("SELECT count(*) FROM invoices")):
            found = {name: [dict(row._mapping) for row in rows] for name, rows in invariants.broken(session).items()}
            assert not found, found


def after_each_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """What an autouse fixture of a folder of tests does: the database is there until this has looked."""
    settings = request.getfixturevalue("settings") if "settings" in request.fixturenames else None
    yield
    if settings is not None:
        require(settings)
