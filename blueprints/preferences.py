"""Language and colours, switched by plain forms that also work signed out."""

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from portal.errors import Invalid
from portal.i18n import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, known_language
from portal.security.accounts import update_preferences
from portal.security.guards import public
from portal.security.redirects import safe_path
from portal.templating import principal

bp = Blueprint("preferences", __name__)

_ONE_YEAR = 365 * 24 * 3600  # seconds


@bp.post("/language")
@public
def language() -> AnyResponse:
    """Remember the language in this browser and, when signed in, for the person."""
    chosen = known_language(request.form.get("language", ""))
    if chosen is None:
        raise Invalid
    if (person := principal()) is not None:
        update_preferences(person, language=chosen)
    return _remember(LANGUAGE_COOKIE, chosen)


@bp.post("/theme")
@public
def theme() -> AnyResponse:
    """Remember the colours in this browser and, when signed in, for the person."""
    chosen = request.form.get("theme", "")
    if chosen not in THEMES:
        raise Invalid
    if (person := principal()) is not None:
        update_preferences(person, theme=chosen)
    return _remember(THEME_COOKIE, chosen)


def _remember(cookie: str, value: str) -> AnyResponse:
    response: Response = redirect(safe_path(request.form.get("next")) or "/", 303)  # type: ignore[assignment]
    response.set_cookie(cookie, value, max_age=_ONE_YEAR, samesite="Lax", secure=request.is_secure, httponly=True)
    return response
