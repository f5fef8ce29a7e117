"""The cookie's side of a session: what the browser keeps, and for how long."""

from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, login_user, logout_user
from itsdangerous import URLSafeTimedSerializer

from portal.config import Settings
from portal.security.principal import Principal, load_principal
from portal.security.sessions import LIFETIME


class _SessionInterface(SecureCookieSessionInterface):
    """Flask's own, with a serializer that is made once: the secret of a running app does not change."""

    def __init__(self) -> None:
        self._serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer


def init_browser_sessions(app: Flask) -> None:
    """Configure the cookie by the public address and let Flask-Login load the principal from it."""
    settings: Settings = app.extensions["settings"]
    app.config.update(
        # The __Host- prefix makes browsers refuse a cookie that a sibling subdomain planted.
        SESSION_COOKIE_NAME="__Host-session" if settings.is_https else "portal_session",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        # Lax, not Strict: with Strict people would come back from the checkout signed out.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.session_interface = _SessionInterface()
    manager = LoginManager()
    # Flask-Login would compare address and user agent; phones change theirs, and our sessions are revocable.
    manager.session_protection = None
    manager.user_loader(load_principal)
    manager.init_app(app)


def start(token: str) -> Principal:
    """Put a session's token into the cookie. What was there goes, the CSRF token included: forms that were
    rendered for another person or tenant, in a tab left open, are then refused.
    """
    principal = load_principal(token)
    if principal is None:
        raise LookupError("a session that was just opened cannot be found")
    session.clear()
    session.permanent = True
    login_user(principal)
    return principal


def end() -> None:
    """Empty the cookie."""
    logout_user()
    session.clear()
