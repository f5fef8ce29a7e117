"""What a request asks the database, and how the database goes about it."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Engine, event

from portal.extensions import db


def asked(act: Callable[[], object]) -> list[str]:
    """The queries that it makes, of any engine."""
    return [statement for statement, _parameters in with_parameters(act)]


def with_parameters(act: Callable[[], object]) -> list[tuple[str, Any]]:
    """As :func:`asked`, each with what it is asked with."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if statement.lstrip().startswith("SELECT") and "FROM" in statement.split():  # on a line of its own
            found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return found


def plan(statement: str, parameters: Any) -> dict[str, Any]:
    """How PostgreSQL would answer a query of the session's tenant."""
    [[[found]]] = db.session.connection().exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).all()
    root: dict[str, Any] = found["Plan"]
    return root


def nodes(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a plan."""
    yield root
    for each in root.get("Plans", ()):
        yield from nodes(each)
