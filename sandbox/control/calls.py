"""What a control call is made of."""

from collections.abc import Callable
from typing import Any, TypeAlias

# A JSON object; for GET and DELETE the parameters of the query, as strings.
Body: TypeAlias = dict[str, Any]

# Takes the world, the body and the ids of the path; returns what is answered as JSON.
Action: TypeAlias = Callable[..., Any]

# Method, path (werkzeug's `<name>` for ids), action.
Route: TypeAlias = tuple[str, str, Action]


def known(body: Body, *names: str) -> None:
    """ValueError for a key that the call does not know: a misspelt switch must not pass in silence."""
    for name in body:
        if name not in names:
            raise ValueError(f"unknown key {name!r}; known are: {', '.join(names) or 'none'}")


def count(body: Body, name: str, default: int, *, most: int) -> int:
    """A whole number from 0 to `most`; ValueError says what is wrong."""
    given = int(body.get(name, default))
    if not 0 <= given <= most:
        raise ValueError(f"{name} is 0 to {most}")
    return given
