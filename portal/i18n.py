"""Languages: whose words, whose separators, whose clock. The only module that knows Flask-Babel.

A *viewer* is who reads what is being rendered now: a page's visitor, or the recipient of a mail. Language
and format locale are kept apart: a Mexican reads Spanish texts and ``1,234.50``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

from babel.support import NullTranslations
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, Domain, force_locale, get_locale, gettext, lazy_gettext, ngettext
from flask_login import current_user
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import LanguageAccept

from portal.catalogues import catalogue
from portal.config import LANGUAGES
from portal.formats import known_locale

__all__ = [
    "LANGUAGE_NAMES",
    "Viewer",
    "gettext",
    "init_i18n",
    "lazy_gettext",
    "ngettext",
    "speaking_to",
    "viewer",
]

# Each in its own words: somebody who cannot read the page must still find the way out.
LANGUAGE_NAMES = {"en": "English", "es": "Español", "pt_BR": "Português (Brasil)"}
DEFAULT_FORMATS = {"en": "en_US", "es": "es", "pt_BR": "pt_BR"}
LANGUAGE_COOKIE = "language"
THEME_COOKIE = "theme"
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class Viewer:
    """Who reads: language of texts, locale of numbers and dates, IANA time zone, colour theme."""

    language: str = "en"
    format_locale: str = "en_US"
    timezone: str = "UTC"
    theme: str = "auto"

    @property
    def html_lang(self) -> str:
        """The language as BCP 47 writes it: ``pt-BR``."""
        return self.language.replace("_", "-")


class PoDomain(Domain):  # type: ignore[misc]  # Flask-Babel ships no types
    """Flask-Babel's catalogues, from our own reader."""

    def get_translations(self) -> NullTranslations:
        """The catalogue of the current language; an empty one where there is no file."""
        return catalogue(str(get_locale() or "en"))


def init_i18n(app: Flask) -> None:
    """Bind Flask-Babel: the viewer chooses language and time zone, catalogues come from ``translations/``."""
    Babel(app, locale_selector=lambda: viewer().language, timezone_selector=lambda: viewer().timezone)
    app.extensions["babel"].instance.domain_instance = PoDomain()
    # A page says some sixty texts; Flask-Babel asks for the locale and Jinja for the function before each.
    app.jinja_env.globals.update(_=_in_template, gettext=_in_template)


def viewer() -> Viewer:
    """Who reads what is rendered now; outside a request the default reader, unless :func:`speaking_to`."""
    context = g._get_current_object()
    found: Viewer | None = context.get("viewer")
    if found is None:
        found = context.viewer = _from_request() if has_request_context() else Viewer()
    return found


@pass_eval_context
def _in_template(context: EvalContext, text: str, /, **variables: object) -> str:
    """Jinja's new-style gettext: the translation is a format, also without variables, and variables are escaped."""
    said = _format(viewer().language, text, is_markup=bool(context.autoescape))
    return said % variables if variables or "%" in said else said


@lru_cache(maxsize=4096)
def _format(language: str, text: str, *, is_markup: bool) -> str:
    said = catalogue(language).gettext(text)
    return Markup(said) if is_markup else said  # noqa: S704  (our own catalogues)


@contextmanager
def speaking_to(reader: Viewer) -> Iterator[None]:
    """Render a block for another reader: texts, numbers and dates of a mail are its recipient's."""
    before = g.get("viewer")
    g.viewer = reader
    try:
        with force_locale(reader.language):
            yield
    finally:
        g.pop("viewer", None)
        if before is not None:
            g.viewer = before


def known_language(name: str) -> str | None:
    """The catalogue that serves a language tag (``es-MX`` → ``es``, ``pt`` → ``pt_BR``), or ``None``."""
    primary = name.replace("_", "-").split("-")[0].lower()
    return next((language for language in LANGUAGES if language.split("_")[0] == primary), None)


def _from_request() -> Viewer:
    try:
        if current_user.is_authenticated:
            return _from_principal()
    except SQLAlchemyError:
        # The database is down: the page that says so must still be rendered in some language.
        current_app.logger.warning("the viewer is unknown, the database does not answer")
    return _from_browser()


def _from_principal() -> Viewer:
    language = known_language(current_user.language or "") or "en"
    return Viewer(
        language=language,
        format_locale=known_locale(current_user.format_locale or DEFAULT_FORMATS[language]),
        timezone=current_user.timezone or "UTC",
        theme=current_user.theme if current_user.theme in THEMES else "auto",
    )


def _from_browser() -> Viewer:
    accepted = request.accept_languages
    chosen = known_language(request.cookies.get(LANGUAGE_COOKIE, ""))
    language = chosen or next((found for tag in accepted.values() if (found := known_language(tag))), "en")
    theme = request.cookies.get(THEME_COOKIE, "auto")
    reader = Viewer(language=language, format_locale=_browser_formats(language, accepted))
    return replace(reader, theme=theme) if theme in THEMES else reader


def _browser_formats(language: str, accepted: LanguageAccept) -> str:
    """The first accepted tag of that language with a region (``es-MX``), else the language's usual one."""
    for tag in accepted.values():
        if "-" in tag and known_language(tag) == language and known_locale(tag) == tag.replace("-", "_"):
            return known_locale(tag)
    return DEFAULT_FORMATS[language]
