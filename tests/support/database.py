"""Databases for tests: one migrated template per xdist worker, one clone per test.

Not savepoints: a tenant bound in a transaction that never really commits would stay bound.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from portal import config
from portal.app import create_app
from portal.billing.publish import publish_plans
from portal.commands.demo import seed_plans
from portal.commands.setup import prepare_database
from portal.gateway.account import bind_account
from tests.support.services import DATABASE_VARIABLE, REDIS_VARIABLE

SECRET_KEY = "test-secret-key-of-more-than-thirty-two-characters"
WEBHOOK_SECRET = "whsec_test_secret_of_the_portal"
_numbers = count(1)
_PUBLISHING: tuple[tuple[config.Role, Callable[[], object]], ...] = (("owner", bind_account), ("worker", publish_plans))
_OPEN_WORK = """
    SELECT (SELECT count(*) FROM outbox WHERE done_at IS NULL AND dead_at IS NULL
            AND (:periodic OR kind NOT LIKE 'periodic.%'))
         + (SELECT count(*) FROM stripe_objects WHERE seen < wanted AND parked_at IS NULL) AS open"""


def worker_name() -> str:
    """What keeps the databases and roles of parallel workers apart."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return f"portal_{worker}_{os.environ.get('PYTEST_XDIST_TESTRUNUID', 'run')[:8]}"


def environment(database: str, **overrides: str) -> dict[str, str]:
    """The portal's environment for a test database, as every process of it would get it."""
    admin = make_url(os.environ[DATABASE_VARIABLE])
    return {
        "DATABASE_URL": admin.set(database=database).render_as_string(hide_password=False),
        "DB_ROLE_PREFIX": worker_name(),
        "DB_POOL_SIZE": "2",
        "REDIS_URL": redis_url(),
        "STRIPE_API_KEY": "sk_test_portal",
        "STRIPE_API_BASE": "http://127.0.0.1:1",
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_PUBLIC_KEY": "pk_test_portal",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": "1",
        "SECRET_KEY": SECRET_KEY,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "PORTAL_ENV": "development",
        "LOG_LEVEL": "WARNING",
        **overrides,
    }


def redis_url(offset: int = 0) -> str:
    """A Redis database of this xdist worker: 0 for the tests, 1 for the running portal, 2 for what spoils it.

    Not one for all: a test that wipes it would take the queue from under another worker's running portal.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return urlsplit(os.environ[REDIS_VARIABLE])._replace(path=f"/{(3 * number + offset) % 16}").geturl()


def make_template() -> str:
    """A migrated database with the four plans, to be cloned. Returns its name."""
    name = f"{worker_name()}_template"
    _admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    app = create_app("owner", settings=config.load(environment(name)))
    with app.app_context():
        prepare_database()
        seed_plans()
        dispose(app)
    return name


@contextmanager
def cloned(template: str) -> Iterator[str]:
    """The name of a fresh copy of ``template``, dropped afterwards."""
    name = f"{worker_name()}_{next(_numbers)}"
    # Copied as files: a small template's pages need not go through the log of changes.
    _admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    try:
        yield name
    finally:
        _admin(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def published(template: str, stripe: dict[str, str]) -> Iterator[str]:
    """The name of a copy of ``template`` whose account is bound and whose plans are published, dropped afterwards."""
    with cloned(template) as name:
        publish(config.load(environment(name, **stripe)))
        yield name


def publish(settings: config.Settings) -> None:
    """Bind Stripe's account to a database, and publish the plans to it."""
    for role, act in _PUBLISHING:
        app = create_app(role, settings=settings)
        with app.app_context():
            act()
            dispose(app)


def dispose(app: object) -> None:
    """Close an app's pools, so that its database can be cloned or dropped. Needs its app context."""
    from portal.extensions import db

    db.session.remove()
    for engine in db.engines.values():
        engine.dispose()


def as_owner(settings: config.Settings, *statements: str, **values: Any) -> list[dict[str, Any]]:
    """Do what only the database's owner may; returns the rows of the last statement."""
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool)
    rows: list[dict[str, Any]] = []
    with engine.begin() as connection:
        for statement in statements:
            result = connection.execute(text(statement), values)
            rows = [dict(row) for row in result.mappings()] if result.returns_rows else []
    return rows


def open_work(settings: config.Settings, *, periodic: bool = False) -> int:
    """How many rows wait to be done and how many objects to be read; ``periodic`` work only when asked for."""
    return int(as_owner(settings, _OPEN_WORK, periodic=periodic)[0]["open"])


def let_time_pass(settings: config.Settings) -> None:
    """All that waits for later is due now; rows that somebody has locked are left to them."""
    for table in ("outbox", "stripe_objects"):
        free = f"id IN (SELECT id FROM {table} WHERE next_at > now() FOR UPDATE SKIP LOCKED)"  # noqa: S608
        as_owner(settings, f"UPDATE {table} SET next_at = now() WHERE {free}")  # noqa: S608


def expire_leases(settings: config.Settings) -> None:
    """Whoever holds a lease has been silent for too long; rows that somebody has locked are left to them."""
    for table in ("outbox", "stripe_objects"):
        free = f"id IN (SELECT id FROM {table} WHERE lease_until > now() FOR UPDATE SKIP LOCKED)"  # noqa: S608
        as_owner(settings, f"UPDATE {table} SET lease_until = now() - interval '1 second' WHERE {free}")  # noqa: S608


def _admin(*statements: str) -> None:
    engine = create_engine(_admin_url(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _admin_url() -> str:
    return (
        make_url(os.environ[DATABASE_VARIABLE])
        .set(drivername="postgresql+psycopg")
        .render_as_string(hide_password=False)
    )
