"""Pooled database connections: whether one still lives, and how its transactions begin, without further round trips."""

import select
import time
from typing import Any, cast

import psycopg
from psycopg import pq
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# A server that ends says so, and a network that forgets a connection does not: after a pause we ask.
PAUSE_SECONDS = 30.0
_IDLE_SINCE = "idle_since"


def check_on_checkout(engine: Engine) -> None:
    """Hand out only connections that live. SQLAlchemy's own pre-ping asks the server before every use."""

    @event.listens_for(engine, "checkin")
    def note(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def check(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        idle_since = record.info.get(_IDLE_SINCE)
        if idle_since is None:
            return  # just connected
        if _is_readable(connection):
            raise DisconnectionError("the server ended the connection")
        if time.monotonic() - idle_since > PAUSE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as error:
                raise DisconnectionError("the connection is gone") from error


def begin_with(connection: Connection, statements: str) -> None:
    """Open the connection's transaction with ``statements``, in one round trip where psycopg would take two."""
    driver = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection) and driver.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        result = driver.pgconn.exec_(f"BEGIN; {statements}".encode())
        if result.status == pq.ExecStatus.COMMAND_OK:
            return
    # Within a transaction that runs already, or to fail the usual way: SQLAlchemy drops a dead connection.
    connection.exec_driver_sql(statements)


def execute_alone(engine: Engine, statement: str, values: tuple[Any, ...]) -> "psycopg.Cursor[Any]":
    """One statement as a transaction of its own, in one round trip; returns the cursor with its rows by name.

    With psycopg's placeholders. No tenant is bound. Raises psycopg's own errors, but where the database does not
    answer SQLAlchemy's :class:`sqlalchemy.exc.OperationalError`, like every other use of it.
    """
    try:
        connection = engine.raw_connection()
    except psycopg.OperationalError as error:  # nobody wraps it at this level
        raise OperationalError(statement, None, error) from error
    driver = cast("psycopg.Connection[Any]", connection.driver_connection)
    try:
        driver.autocommit = True
        return driver.cursor(row_factory=namedtuple_row).execute(statement, values)
    except psycopg.OperationalError as error:
        connection.invalidate(error)
        raise OperationalError(statement, None, error) from error
    finally:
        if not driver.closed:
            driver.autocommit = False
        connection.close()


def _is_readable(connection: object) -> bool:
    """Whether an idle connection has something to say; that can only be its end."""
    if not isinstance(connection, psycopg.Connection) or connection.closed:
        return True
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))
