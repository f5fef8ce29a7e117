"""Response headers: what browsers may do with our pages, and who may keep a copy (ASVS 3.4)."""

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request

from portal.config import STRIPE_API_BASE, Settings
from portal.security.guards import guard_of

CHECKOUT_ORIGIN = "https://checkout.stripe.com"


def init_headers(app: Flask) -> None:
    """Send the security headers with every response."""
    settings: Settings = app.extensions["settings"]
    fixed = {
        "Content-Security-Policy": content_security_policy(settings),
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: browsers then send "Origin: null" with our own forms.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.is_https:
        fixed["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    @app.after_request
    def add_headers(response: Response) -> Response:
        # Not setdefault(), which looks through all headers each time: this is done for every answer.
        given = {name.lower() for name, _ in response.headers}
        response.headers.extend([(name, value) for name, value in fixed.items() if name.lower() not in given])
        _say_who_may_cache(response)
        return response


def content_security_policy(settings: Settings) -> str:
    """The one policy of all pages. Forms may also lead to the checkout: browsers apply form-action to redirects."""
    form_action = ["'self'", CHECKOUT_ORIGIN]
    if settings.stripe_api_base != STRIPE_API_BASE:
        base = urlsplit(settings.stripe_api_base)
        form_action.append(f"{base.scheme}://{base.netloc}")
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": " ".join(form_action),
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "object-src": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _say_who_may_cache(response: Response) -> None:
    if request.endpoint == "static":
        return  # portal.templating knows which addresses carry a version; the others are revalidated
    guard = guard_of(current_app, request.endpoint)
    if guard is None or guard.kind in ("signed_in", "member", "staff"):
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
