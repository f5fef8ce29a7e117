"""How NetBox refuses: Django REST framework's bodies."""

from typing import Any


class Refused(Exception):
    """`status` and the JSON `body` of the answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def denied(detail: str) -> Refused:
    """403: NetBox says it for a bad token too, where others say 401."""
    return Refused(403, {"detail": detail})


def invalid(field: str, *problems: str) -> Refused:
    """400 for one field or filter."""
    return Refused(400, {field: list(problems)})


def missing(title: str) -> Refused:
    """404 for an object that is not there, or that the token may not see."""
    return Refused(404, {"detail": f"No {title} matches the given query."})


def not_modelled(what: str) -> Refused:
    """501: NetBox can do it and this stand-in cannot; said aloud, never ignored."""
    return Refused(501, {"detail": f"The sandbox does not model {what}.", "code": "sandbox_not_modelled"})
