"""What a request asks the database."""

from collections.abc import Callable

from sqlalchemy import Engine, event


def asked(act: Callable[[], object]) -> list[str]:
    """The queries that it makes, of any engine."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().startswith("SELECT") and " FROM " in statement:
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return found
