"""Language and colours, switched by plain forms that also work signed out."""

from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, Response, make_response, redirect, request, url_for

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
def language() -> Response:
    """Remember the language in this browser and, when signed in, for the person."""
    chosen = known_language(request.form.get("language", ""))
    if chosen is None:
        raise Invalid
    if (person := principal()) is not None:
        update_preferences(person, language=chosen)
    return _remember(LANGUAGE_COOKIE, chosen)


@bp.post("/theme")
@public
def theme() -> Response:
    """Remember the colours in this browser and, when signed in, for the person."""
    chosen = request.form.get("theme", "")
    if chosen not in THEMES:
        raise Invalid
    if (person := principal()) is not None:
        update_preferences(person, theme=chosen)
    return _remember(THEME_COOKIE, chosen)


def _remember(cookie: str, value: str) -> Response:
    response = make_response(redirect(_way_back(), 303))
    response.set_cookie(cookie, value, max_age=_ONE_YEAR, samesite="Lax", secure=request.is_secure, httponly=True)
    return response


def _way_back() -> str:
    """The page of the form. The sign-in page is none to return to after signing in, but it is after this."""
    target = request.form.get("next", "")
    page = urlsplit(target)
    if page.path == url_for("sign_in.form"):
        return url_for("sign_in.form", next=safe_path(parse_qs(page.query).get("next", [""])[0]))
    return safe_path(target) or "/"
