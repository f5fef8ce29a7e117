"""Binding the database session to a tenant: what row-level security sees.

Every transaction begins with ``SET LOCAL app.tenant_id = '<uuid>'``: LOCAL because a pooler may hand the
connection to somebody else after the commit, a statement (not ``set_config()``) because a distributed
PostgreSQL forwards only that. A transaction of an unbound session sees no tenant's rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from portal.connections import begin_with
from portal.extensions import db

PLATFORM = UUID(int=0)  # the audit chain of acts that belong to no tenant


@dataclass(frozen=True)
class Binding:
    """What the next transactions may see. ``request_token`` opens the outbox rows leased to this request."""

    tenant_id: UUID | None = None
    user_id: UUID | None = None
    request_token: UUID | None = None

    def statements(self) -> str:
        """The SET LOCAL statements; values are UUIDs, so that nothing can be injected."""
        values = {"tenant_id": self.tenant_id, "user_id": self.user_id, "request_token": self.request_token}
        return "; ".join(f"SET LOCAL app.{name} = '{_uuid(value)}'" for name, value in values.items() if value)


def _uuid(value: UUID) -> str:
    return str(value if type(value) is UUID else UUID(str(value)))


class BindingError(RuntimeError):
    """The session already holds rows or a transaction of another binding: a bug, never a user's fault."""


_UNBOUND = Binding()


def current() -> Binding:
    """The session's binding now; none is begun for the question."""
    if not db.session.registry.has():
        return _UNBOUND
    binding: Binding = db.session().info.get("binding", _UNBOUND)
    return binding


def bind(tenant_id: UUID | None = None, *, user_id: UUID | None = None, request_token: UUID | None = None) -> None:
    """Bind the session for its next transactions.

    Raises :class:`BindingError` while a transaction is open or objects are loaded: they would be another
    tenant's, and the identity map would hand them out again.
    """
    session = db.session()
    if session.in_transaction():
        raise BindingError("a transaction is open; commit or roll back before binding")
    if len(session.identity_map) or session.new:
        raise BindingError("the session holds objects of another binding; use tenancy.fresh()")
    session.info["binding"] = Binding(tenant_id, user_id, request_token)


def fresh() -> None:
    """End the transaction, drop all loaded objects and the binding."""
    # In this order: a rollback first would expire the objects that a caller still holds.
    db.session.expunge_all()
    db.session.rollback()
    db.session().info.pop("binding", None)


@contextmanager
def bound(
    tenant_id: UUID | None = None, *, user_id: UUID | None = None, request_token: UUID | None = None
) -> Iterator[None]:
    """Run a block under a binding of its own; what was not committed at its end is rolled back."""
    before = current()
    fresh()
    bind(tenant_id, user_id=user_id, request_token=request_token)
    try:
        yield
    finally:
        fresh()
        db.session().info["binding"] = before


def require_tenant() -> UUID:
    """The bound tenant. Raises :class:`BindingError` when there is none."""
    tenant_id = current().tenant_id
    if tenant_id is None:
        raise BindingError("no tenant is bound")
    return tenant_id


@event.listens_for(Session, "after_begin")
def _set_local(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    binding: Binding | None = session.info.get("binding")
    if binding is not None and (statements := binding.statements()):
        begin_with(connection, statements)


@contextmanager
def staff_session() -> Iterator[Session]:
    """A session on the staff role: reads every tenant, writes nothing, sees no password."""
    with Session(db.engines["staff"], expire_on_commit=False) as session:
        yield session


@contextmanager
def reader_session() -> Iterator[Session]:
    """A session on the evaluators' role (metrics, alerts): reads every tenant, writes nothing."""
    with Session(db.engines["reader"], expire_on_commit=False) as session:
        yield session


def execute_function(name: str, *arguments: Any) -> Any:
    """Call one of the migrations' SECURITY DEFINER functions in the current transaction; returns its rows."""
    placeholders = ", ".join(["%s"] * len(arguments))
    connection = db.session.connection()
    return connection.exec_driver_sql(f"SELECT * FROM {name}({placeholders})", tuple(arguments))  # noqa: S608
