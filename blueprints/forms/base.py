"""The base of all forms, and what their fields share."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, ValidationError


class PortalForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A form whose token was checked before the handler ran (portal.security.forgery)."""

    def refuse(self, field: Field, message: str) -> None:
        """Attach a translated message that a verb's error caused to ``field``."""
        field.errors = [*field.errors, message]


def is_plain_text(_form: Any, field: Field) -> None:
    """Refuse control characters: PostgreSQL knows no NUL, and no name or address has one."""
    if field.data and not field.data.isprintable():
        raise ValidationError(_("Please remove characters that cannot be shown."))


def client_address() -> str:
    """The address of the client, as the trusted proxy names it."""
    return request.remote_addr or ""
