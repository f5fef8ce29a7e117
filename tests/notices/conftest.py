"""A portal on a database of its own, whose mail goes to a real SMTP server inside the test."""

import ssl
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from apiflask import APIFlask
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import jobs.mail  # noqa: F401  (registers the handlers)
from portal import breaker, config, tenancy
from portal.extensions import db
from portal.notices.notify import notify
from portal.outbox import dispatch, stage
from tests.notices.samples import Company, company
from tests.support import database
from tests.support.mail import MailServer, mail_server, self_signed


@pytest.fixture(name="tls", scope="session")
def fixture_tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A certificate for localhost that nobody vouches for."""
    context = self_signed(tmp_path_factory.mktemp("tls"))
    if context is None:
        pytest.skip("no openssl program to make a certificate with")
    return context


@pytest.fixture(name="smtp")
def fixture_smtp() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(name="settings")
def fixture_settings(template: str, smtp: MailServer) -> Iterator[config.Settings]:
    """Instead of the shared one: no sandbox is needed here."""
    with database.cloned(template) as name:
        yield config.load(environment(name, smtp))


def environment(name: str, smtp: MailServer) -> dict[str, str]:
    """The environment of a portal on this database and mail server."""
    return database.environment(
        name,
        SMTP_PORT=str(smtp.port),
        SMTP_FROM_EMAIL="billing@portal.example",
        PORTAL_NAME="Acme Cloud",
        PUBLIC_URL="https://billing.portal.example",
    )


@pytest.fixture(name="owner")
def fixture_owner(settings: config.Settings) -> Iterator[Session]:
    """A session of the database's owner, who writes what Stripe would have said."""
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool)
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture(name="acme")
def fixture_acme(owner: Session) -> Company:
    return company(owner)


@pytest.fixture(name="tell")
def fixture_tell(app: APIFlask) -> Callable[..., None]:
    """Call notify() as a request of the tenant would, and commit."""

    def tell(tenant_id: UUID, kind: str, object_id: object, **options: Any) -> None:
        with app.app_context(), tenancy.bound(tenant_id):
            notify(kind, str(object_id), **options)
            db.session.commit()

    return tell


@pytest.fixture(name="ask")
def fixture_ask(app: APIFlask) -> Callable[..., None]:
    """Owe a user a reset link, as the page does."""

    def ask(user_id: UUID, language: str = "en") -> None:
        with app.app_context(), tenancy.bound(tenancy.PLATFORM):
            stage(
                "mail.password_reset",
                f"mail.password_reset:{uuid4()}",
                payload={"user_id": str(user_id), "language": language},
            )
            db.session.commit()

    return ask


@pytest.fixture(name="send")
def fixture_send(worker: APIFlask) -> Callable[[], int]:
    """Do all work that is due, as a worker would; returns how much there was."""

    def send() -> int:
        with worker.app_context():
            done = 0
            while dispatch.run_next():
                done += 1
            tenancy.fresh()
            return done

    return send


@pytest.fixture(name="later")
def fixture_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let seconds go by for whoever pauses."""
    passed = [0.0]
    monkeypatch.setattr(breaker, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0]))

    def later(seconds: float) -> None:
        passed[0] += seconds

    return later


@pytest.fixture(name="rows")
def fixture_rows(owner: Session) -> Callable[..., list[Any]]:
    """Rows of an SQL query, as the owner sees them now."""

    def rows(query: str, **values: Any) -> list[Any]:
        found = owner.execute(text(query), values)
        result = list(found) if found.returns_rows else []
        owner.commit()
        return result

    return rows
