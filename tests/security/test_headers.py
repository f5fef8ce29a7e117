"""What every answer says to the browser."""

from dataclasses import replace

import pytest
from apiflask import APIFlask

from portal.config import STRIPE_API_BASE, Settings
from portal.security.headers import content_security_policy
from tests.support import people
from tests.support.people import browser

PAGES = ["/sign-in", "/forgot-password", "/account", "/no-such-page", "/static/favicon.svg", "/reset-password/x", "/"]


def _policy(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.strip().partition(" ") for part in text.split(";"))}


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_headers(app: APIFlask, path: str) -> None:
    for client in (browser(app), browser(app, people.member())):
        headers = client.get(path).headers
        policy = _policy(headers["Content-Security-Policy"])
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers


def test_pages_are_not_kept_and_static_files_are(app: APIFlask) -> None:
    client = browser(app, people.member())
    for path in ("/", "/account", "/plans", "/invoices", "/sign-in", "/no-such-page"):
        assert client.get(path).headers["Cache-Control"] == "no-store", path
    assert "no-store" not in client.get("/static/favicon.svg").headers["Cache-Control"]


def test_forms_may_lead_to_the_checkout_only(settings: Settings) -> None:
    with_sandbox = _policy(content_security_policy(settings))["form-action"]
    assert with_sandbox == f"'self' https://checkout.stripe.com {settings.stripe_api_base}"
    real = replace(settings, stripe_api_base=STRIPE_API_BASE)
    assert _policy(content_security_policy(real))["form-action"] == "'self' https://checkout.stripe.com"


def test_https_is_asked_to_stay(settings: Settings) -> None:
    from portal.app import create_app

    app = create_app("web", settings=replace(settings, public_url="https://portal.example"))
    assert "max-age=31536000" in app.test_client().get("/static/favicon.svg").headers["Strict-Transport-Security"]
