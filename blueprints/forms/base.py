"""The base of all forms, and what their fields share."""

from collections.abc import Iterator
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

    def problems(self) -> Iterator[tuple[str, str]]:
        """Field and sentence, for the block above the form."""
        for name, sentences in self.errors.items():
            for sentence in sentences:
                yield str(name), str(sentence)

    def options(self, name: str) -> list[tuple[str, str]]:
        """What a field offers, as the templates' ``ui.select`` takes it."""
        return [(choice.value, str(choice.label)) for choice in self[name].choices]


def is_plain_text(_form: Any, field: Field) -> None:
    """Refuse control characters: PostgreSQL knows no NUL, and no name or address has one."""
    if field.data and not field.data.isprintable():
        raise ValidationError(_("Please remove characters that cannot be shown."))


def client_address() -> str:
    """The address of the client, as the trusted proxy names it."""
    return request.remote_addr or ""
