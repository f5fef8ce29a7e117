"""Pooled connections: a dead one is not handed out, and a transaction is bound from its first statement."""

import time
from uuid import uuid4

import pytest
from apiflask import APIFlask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from portal import connections, tenancy
from portal.config import Settings
from portal.connections import execute_alone
from portal.extensions import db


def _backend() -> int:
    return int(db.session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _end(settings: Settings, backend: int) -> None:
    engine = create_engine(settings.role_url("owner"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    engine.dispose()


def test_a_connection_that_the_server_ended_is_replaced_before_its_use(web: APIFlask, settings: Settings) -> None:
    before = _backend()
    db.session.rollback()
    _end(settings, before)
    assert _backend() != before


@pytest.mark.usefixtures("web")
def test_a_connection_that_rested_is_asked_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _backend()
    db.session.rollback()
    monkeypatch.setattr(connections.time, "monotonic", lambda now=time.monotonic: now() + connections.PAUSE_SECONDS)
    assert _backend() == before


@pytest.mark.usefixtures("web")
def test_the_binding_ends_with_its_transaction() -> None:
    tenant_id = uuid4()
    bound = text("SELECT current_setting('app.tenant_id', true)")
    with tenancy.bound(tenant_id):
        assert db.session.execute(bound).scalar_one() == str(tenant_id)
        db.session.commit()
        assert db.session.execute(bound).scalar_one() == str(tenant_id), "the next transaction is bound too"
    assert not db.session.execute(bound).scalar_one()


def test_a_server_that_ends_within_a_transaction_fails_it_and_no_other(web: APIFlask, settings: Settings) -> None:
    with tenancy.bound(uuid4()):
        _end(settings, _backend())
        with pytest.raises(OperationalError):
            _backend()
        db.session.rollback()
        assert _backend()


def test_a_statement_alone_is_committed_and_leaves_the_connection_as_it_was(worker: APIFlask) -> None:
    query = "SELECT kind FROM heartbeats WHERE name = %s"
    with worker.app_context():
        execute_alone(db.engine, "INSERT INTO heartbeats (name, kind) VALUES (%s, 'test')", ("alone",))
        assert execute_alone(db.engine, query, ("alone",)).fetchone() == ("test",)
        db.session.execute(text("DELETE FROM heartbeats"))
        db.session.rollback()  # transactions are transactions again
        assert execute_alone(db.engine, query, ("alone",)).rowcount == 1


@pytest.mark.usefixtures("web")
def test_a_server_that_ends_under_a_statement_alone_is_told_as_an_outage() -> None:
    with pytest.raises(OperationalError):
        execute_alone(db.engine, "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(%s)", (1,))
    assert execute_alone(db.engine, "SELECT %s::int AS one", (1,)).fetchone() == (1,)
