"""Requests that another site makes in a person's name: refused before any handler runs (ASVS 3.5)."""

from flask import Flask, current_app, request
from flask_wtf.csrf import CSRFProtect

from portal.errors import DomainError
from portal.security.guards import guard_of

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_csrf = CSRFProtect()


class CrossSiteRequest(DomainError):
    """The browser itself says that another site sent this form."""

    code = "cross_site_request"
    status = 400
    message = "This request came from another site."
    remedy = "Open the portal and try again from there."


def init_forgery_protection(app: Flask) -> None:
    """Every unsafe method needs the form's token, except where a machine authenticates itself."""
    app.config.update(
        # The token lives as long as the session: a form may stay open over lunch.
        WTF_CSRF_TIME_LIMIT=None,
        # Off, because it stops people whose browser hides the referrer; Sec-Fetch-Site does its work.
        WTF_CSRF_SSL_STRICT=False,
        # We call protect() ourselves: the extension's own hook does not know our guards.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_HEADERS=["X-CSRFToken"],
    )
    _csrf.init_app(app)
    app.before_request(_refuse_forgeries)


def _refuse_forgeries() -> None:
    if request.method in _SAFE_METHODS or request.url_rule is None:
        return
    guard = guard_of(current_app, request.endpoint)
    if guard is not None and guard.kind in ("machine", "bearer"):
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CrossSiteRequest
    _csrf.protect()
