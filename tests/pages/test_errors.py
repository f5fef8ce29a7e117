"""Failures as people, htmx and programs see them."""

import json

import pytest
from apiflask import APIFlask
from flask import abort
from sqlalchemy.exc import OperationalError

from portal.config import Settings
from portal.errors import Unavailable
from portal.security.guards import public
from tests.support import database, html, people
from tests.support.people import Browser

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture(name="failing")
def fixture_failing(app: APIFlask) -> Browser:
    """A browser on a portal with routes that fail in each way."""
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(how: str) -> str:
        if how == "bug":
            raise RuntimeError("a secret detail")
        if how == "database":
            raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))
        if how == "domain":
            raise Unavailable
        abort(int(how))

    app.add_url_rule("/fail/<how>", "fail", public(fail), methods=["GET", "POST"])
    app.add_url_rule("/api/fail/<how>", "api_fail", public(fail))
    return people.browser(app)


@pytest.mark.parametrize(
    ("how", "status", "heading"),
    [
        ("403", 403, "You may not do this."),
        ("404", 404, "We could not find this page."),
        ("413", 413, "What was sent is too large."),
        ("429", 429, "Too many requests in a short time."),
        ("418", 418, "We could not read this request."),
        ("503", 503, "The portal cannot answer right now."),
        ("bug", 500, "Something went wrong on our side."),
        ("database", 503, "The portal cannot answer right now."),
        ("domain", 503, "This is not available right now."),
    ],
)
def test_every_failure_is_a_page_with_its_request_id(failing: Browser, how: str, status: int, heading: str) -> None:
    response = failing.get(f"/fail/{how}")
    page = html.page(response, status)
    assert page.one("h1").text == heading
    assert page.one(class_="request-id").one("code").text == response.headers["X-Request-ID"]
    assert "secret" not in response.text
    assert response.headers["Cache-Control"] == "no-store"


def test_a_wrong_method_says_which_are_right(browser: Browser) -> None:
    response = browser.get("/checkout")
    html.page(response, 405)
    assert "POST" in response.headers["Allow"]


def test_htmx_gets_a_toast_and_keeps_its_page(failing: Browser) -> None:
    response = failing.get("/fail/bug", headers=PARTIAL)
    toast = json.loads(response.headers["HX-Trigger"])["toast"]
    assert toast["message"].startswith("Something went wrong on our side.")
    assert toast["kind"] == "bad"
    assert response.headers["HX-Reswap"] == "none"
    assert not html.parse(response.text).all("html")


def test_programs_get_a_problem_document(failing: Browser) -> None:
    response = failing.get("/api/fail/domain")
    assert response.mimetype == "application/problem+json"
    assert response.get_json() == {
        "type": "about:blank",
        "title": "This is not available right now.",
        "status": 503,
        "detail": "Nothing was charged. Please try again in a minute.",
        "code": "unavailable",
        "request_id": response.headers["X-Request-ID"],
    }


def test_a_form_without_its_token_changes_nothing_and_says_what_to_do(browser: Browser) -> None:
    response = browser.post("/checkout", data={"plan_id": "starter", "interval": "month"})
    assert html.page(response, 400).one("h1").text == "This form is too old to be sent."


def test_the_page_stands_while_the_database_is_down(settings: Settings, app: APIFlask) -> None:
    from blueprints import PAGES
    from portal import config
    from portal.app import create_app

    signed_in = people.browser(app, people.member(language="es"))
    cookie = signed_in.get_cookie("portal_session")
    assert cookie is not None
    gone = config.load(database.environment("no_such_database", STRIPE_API_BASE=settings.stripe_api_base))
    client = create_app("web", settings=gone, blueprints=PAGES).test_client()
    client.set_cookie("portal_session", cookie.value)
    response = client.get("/", headers={"Accept-Language": "es"})
    page = html.page(response, 503)
    assert page.one("html")["lang"] == "es"
    assert response.headers["Retry-After"] == "5"
