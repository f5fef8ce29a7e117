"""Failures as values with a name: a code, an HTTP status, a sentence for the person, what to do next.

``message`` and ``remedy`` are gettext message ids; they are translated where they are shown, because
the same error may reach a page in Spanish and a log in English.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """Base of every expected failure. Subclasses set ``code``, ``status``, ``message``, ``remedy``."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: ClassVar[str] = "The request could not be carried out."
    remedy: ClassVar[str] = ""

    def __init__(self, **params: Any) -> None:
        self.params: Mapping[str, Any] = params
        super().__init__(f"{self.code} {dict(params)}" if params else self.code)


class NotFound(DomainError):
    """Missing, or another tenant's: the answer is the same, so that nobody learns of its existence."""

    code = "not_found"
    status = 404
    message = "We could not find this page."
    remedy = "Check the address, or go back to the overview."


class Forbidden(DomainError):
    code = "forbidden"
    status = 403
    message = "Your role does not allow this."
    remedy = "Ask an owner of your organisation to do it or to change your role."


class Conflict(DomainError):
    code = "conflict"
    status = 409
    message = "Something changed in the meantime."
    remedy = "Reload the page and try again."


class Invalid(DomainError):
    code = "invalid"
    status = 422
    message = "Please check what you entered."


class Unavailable(DomainError):
    """A part that we depend on does not answer now."""

    code = "unavailable"
    status = 503
    message = "This is not available right now."
    remedy = "Nothing was charged. Please try again in a minute."
