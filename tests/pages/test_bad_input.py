"""What a browser may send or meet by mistake or on purpose: always a page, never a charge."""

import base64
from collections.abc import Callable, Iterator

import pytest
import requests
from apiflask import APIFlask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.gateway.client import as_dict, gateway
from portal.models import Checkout
from tests.pages import rows
from tests.support import html, people
from tests.support.people import Browser, Person
from tests.support.sandbox import Sandbox

UNAVAILABLE = {
    "en": "The payment service does not answer right now.",
    "es": "El servicio de pagos no responde en este momento.",
    "pt_BR": "O serviço de pagamento não está respondendo no momento.",
}


@pytest.fixture(name="fail")
def fixture_fail(stripe_sandbox: Sandbox) -> Iterator[Callable[[str, str], None]]:
    """Lets the sandbox answer the next matching request badly."""
    yield lambda match, mode: stripe_sandbox.post("fail", match=match, mode=mode, times=1)
    requests.delete(f"{stripe_sandbox.url}/_sandbox/fail", json={}, timeout=20).raise_for_status()


def _checkouts(write: Session, person: Person) -> list[Checkout]:
    write.rollback()
    return list(write.scalars(select(Checkout).where(Checkout.tenant_id == person.tenant_id)))


def test_an_archived_plan_is_no_longer_sold(browser: Browser, person: Person, write: Session) -> None:
    form = html.page(browser.get("/plans")).all("form", action="/checkout")[1].fields()
    write.execute(text("UPDATE plans SET archived_at = now() WHERE plan_id = 'starter'"))
    write.commit()
    page = html.page(browser.post("/checkout", data=form), 422)
    assert page.one("h1").text == "This plan is not available."
    assert _checkouts(write, person) == []
    shown = [name.text for name in html.page(browser.get("/plans")).all(class_="plan-name")]
    assert shown == ["Free", "Professional", "Enterprise"]


def test_only_the_plan_and_the_interval_of_a_form_are_read(browser: Browser, person: Person, write: Session) -> None:
    dear, foreign = rows.price(write, "enterprise", "year"), people.tenant()
    response = browser.send(
        "/checkout",
        "/plans",
        plan_id="starter",
        interval="month",
        price_id=dear.stripe_price_id,
        plan_price_id=str(dear.id),
        tenant_id=str(foreign),
        trial_days="700",
        amount="1",
        unit_amount_minor="1",
        quantity="9",
        currency="jpy",
        success_url="https://elsewhere.example/",
    )
    assert response.status_code == 303
    (checkout,) = _checkouts(write, person)
    assert (checkout.plan_id, checkout.trial_days, checkout.started_by) == ("starter", 0, person.user_id)
    session = _session(str(checkout.stripe_session_id))
    assert (session["amount_subtotal"], session["currency"]) == (2900, "usd")
    (line,) = session["line_items"]["data"]
    assert (line["price"]["id"], line["quantity"]) == (rows.price(write, "starter").stripe_price_id, 1)
    assert str(foreign) not in str(session)
    assert "elsewhere" not in session["success_url"]


@pytest.mark.parametrize("language", UNAVAILABLE)
def test_stripe_failing_is_said_in_ones_language_and_the_order_is_kept(
    app: APIFlask, write: Session, fail: Callable[[str, str], None], language: str
) -> None:
    person = people.member(language=language)
    browser = people.browser(app, person)
    fail("POST /v1/checkout/sessions", "500")
    response = browser.send("/checkout", "/plans", plan_id="starter", interval="month")
    assert html.page(response, 503).one("h1").text == UNAVAILABLE[language]
    (checkout,) = _checkouts(write, person)
    assert (checkout.state, checkout.stripe_session_id) == ("preparing", None)


def test_the_kill_switch_is_a_page_and_begins_nothing(browser: Browser, person: Person, write: Session) -> None:
    write.execute(text("UPDATE installation SET money_stopped_at = now()"))
    write.commit()
    response = browser.send("/checkout", "/plans", plan_id="starter", interval="month")
    assert html.page(response, 503).one("h1").text == "Payments are paused for maintenance."
    assert _checkouts(write, person) == []
    html.page(browser.get("/plans"))


def _cursor(value: str) -> str:
    return base64.urlsafe_b64encode(value.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        _cursor("[" * 100_000),
        _cursor("[" * 140),
        _cursor("[null, null]"),
        _cursor("{}"),
        _cursor('{"a": 1, "b": 2}'),
        _cursor("[1, 2]"),
        _cursor('["2026-01-01T00:00:00+00:00", "not an id"]'),
        _cursor('["9999-99-99", "019ab3f4-0000-7000-8000-000000000000"]'),
        _cursor("\ud7ff é"),
        "é–日本",
        "=",
        "\x00",
        "A" * 5000,
    ],
    ids=lambda cursor: ascii(cursor[:16]),
)
def test_a_cursor_that_we_did_not_make_is_refused(browser: Browser, cursor: str) -> None:
    page = html.page(browser.get("/invoices", query_string={"after": cursor}), 422)
    assert page.one("main").all("a", class_="btn"), "and shows a way on"


def _session(session_id: str) -> dict:  # type: ignore[type-arg]  # Stripe's JSON
    params = {"expand": ["line_items"]}
    return as_dict(gateway().read(lambda s: s.v1.checkout.sessions.retrieve(session_id, params)))  # type: ignore[arg-type]
