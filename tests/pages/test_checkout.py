"""Going to Stripe and coming back: every state of the return page."""

from collections.abc import Callable
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from portal.ids import uuid7
from tests.pages import rows
from tests.support import html, people
from tests.support.people import Browser, Person
from tests.support.sandbox import Sandbox
from tests.support.steps import bring


def test_choosing_a_plan_leads_to_stripe_by_a_plain_form(browser: Browser, stripe_sandbox: Sandbox) -> None:
    form = html.page(browser.get("/plans")).all("form", action="/checkout")[1]
    response = browser.post("/checkout", data=form.fields())
    assert response.status_code == 303
    assert response.location.startswith(stripe_sandbox.url)


@pytest.mark.parametrize("sent", [{"plan_id": "gold", "interval": "month"}, {"plan_id": "starter"}, {}])
def test_a_plan_that_is_not_sold_is_refused_with_a_way_back(browser: Browser, sent: dict[str, str]) -> None:
    token = browser.token("/plans")
    headers = {"Referer": "http://localhost/plans?interval=year"}
    response = browser.post("/checkout", data={"csrf_token": token, **sent}, headers=headers)
    page = html.page(response, 422)
    assert page.one("h1").text == "This plan is not available."
    assert page.one("main").one("a", class_="btn")["href"] == "/plans?interval=year"


@pytest.mark.parametrize(
    ("state", "heading"),
    [
        ("preparing", "Opening the payment page…"),
        ("open", "Waiting for the payment"),
        ("abandoned", "You left the checkout"),
        ("complete", "Confirming your payment"),
        ("failed", "The payment did not go through"),
        ("expired", "This checkout has ended"),
    ],
)
def test_each_state_has_its_page(browser: Browser, person: Person, write: Session, state: str, heading: str) -> None:
    row = rows.checkout(write, person.tenant_id, state, stripe_session_id=None)
    write.commit()
    page = html.page(browser.get(f"/checkout/{row.id}"))
    assert page.one("h1").text == heading
    is_final = state in ("failed", "expired")
    assert len(page.all("meta", http_equiv="refresh")) == (0 if is_final else 1)
    assert len(page.all(hx_trigger=True)) == (0 if is_final else 1)


@pytest.mark.parametrize(("polls", "delay"), [(0, 1), (1, 2), (2, 5), (40, 5), (-3, 1)])
def test_the_page_looks_again_more_and_more_slowly(
    person: Person, write: Session, fragment: Callable[[str], str], polls: int, delay: int
) -> None:
    row = rows.checkout(write, person.tenant_id, "open", stripe_session_id=None)
    write.commit()
    again = html.parse(fragment(f"/checkout/{row.id}?polls={polls}")).one(hx_trigger=True)
    assert again["hx-trigger"] == f"load delay:{delay}s, every 15s", "goes on after an answer that failed"
    assert again["hx-get"] == f"/checkout/{row.id}?polls={max(polls, 0) + 1}"


def test_an_active_subscription_ends_the_waiting_with_its_invoice(
    browser: Browser, person: Person, write: Session, fragment: Callable[[str], str]
) -> None:
    bought = rows.subscription(write, person.tenant_id)
    paid = rows.invoice(write, person.tenant_id, "NEW-1", stripe_subscription_id=bought.stripe_subscription_id)
    row = rows.checkout(
        write,
        person.tenant_id,
        "complete",
        stripe_subscription_id=bought.stripe_subscription_id,
        stripe_session_id=None,
    )
    write.commit()
    page = html.page(browser.get(f"/checkout/{row.id}"))
    assert page.one("h1").text == "Your subscription is active"
    assert "$34.51" in page.one("main").text
    assert f"/invoices/{paid.id}/document.pdf" in [link["href"] for link in page.one("main").all("a")]
    assert not html.parse(fragment(f"/checkout/{row.id}?polls=4")).all(hx_trigger=True)


def test_the_payment_page_is_offered_as_soon_as_it_is_open(
    browser: Browser, person: Person, write: Session, fragment: Callable[[str], str]
) -> None:
    row = rows.checkout(write, person.tenant_id, "preparing", stripe_session_id=None)
    write.commit()
    page = html.page(browser.get(f"/checkout/{row.id}"))
    again = page.one(hx_trigger=True)["hx-get"]
    assert page.one("meta", http_equiv="refresh")["content"] == f"3; url={again}", "the same without a script"
    assert "Opening the payment page…" in fragment(again)
    bring(write, row, "open")
    row.url = "https://checkout.stripe.com/c/pay/cs_test_later"
    write.commit()
    ready = html.parse(fragment(again))
    assert ready.one("a", class_="btn-primary")["href"] == row.url
    assert ready.one("a", class_="btn-primary").text == "Continue to payment"


def test_coming_back_from_an_open_payment_page_does_not_send_there_again(
    browser: Browser, person: Person, write: Session
) -> None:
    row = rows.checkout(write, person.tenant_id, "open", stripe_session_id=None)
    write.commit()
    assert not html.page(browser.get(f"/checkout/{row.id}")).one("main").all("a", class_="btn-primary")


@pytest.mark.parametrize(
    ("values", "heading", "target"),
    [
        ({"superseded_reason": "duplicate"}, "This payment is being refunded", "/"),
        ({}, "This subscription has ended", "/plans"),
    ],
)
def test_a_subscription_that_is_over_is_not_called_active(
    browser: Browser, person: Person, write: Session, values: dict[str, str], heading: str, target: str
) -> None:
    bought = rows.subscription(write, person.tenant_id, status="canceled", **values)
    row = rows.checkout(write, person.tenant_id, "complete", stripe_subscription_id=bought.stripe_subscription_id)
    write.commit()
    page = html.page(browser.get(f"/checkout/{row.id}"))
    assert page.one("h1").text == heading
    assert page.one("main").one("a", class_="btn")["href"] == target
    assert not page.all(hx_trigger=True)


def test_leaving_stripe_promises_nothing_before_stripe_says_so(
    browser: Browser, person: Person, write: Session
) -> None:
    row = rows.checkout(write, person.tenant_id, "open")
    write.commit()
    response = browser.get(f"/checkout/{row.id}/back")
    assert (response.status_code, response.location) == (303, "/plans")
    toasts = html.page(browser.get("/plans")).one(id="toasts").text
    assert "You left the checkout." in toasts
    assert "charged" not in toasts


def test_a_checkout_that_was_left_claims_nothing_about_charges(
    browser: Browser, person: Person, write: Session
) -> None:
    row = rows.checkout(write, person.tenant_id, "abandoned", stripe_session_id=None)
    write.commit()
    page = html.page(browser.get(f"/checkout/{row.id}"))
    assert "charged" not in page.one("main").text
    assert page.one("main").one("a", class_="btn")["href"] == "/plans"
    bring(write, row, "expired")
    write.commit()
    assert "Nothing was charged." in html.page(browser.get(f"/checkout/{row.id}")).one("main").text


def test_a_paid_checkout_is_not_left(browser: Browser, person: Person, write: Session) -> None:
    row = rows.checkout(write, person.tenant_id, "complete", stripe_session_id=None)
    write.commit()
    assert browser.get(f"/checkout/{row.id}/back").location == f"/checkout/{row.id}"


def _foreign(write: Session) -> UUID:
    row = rows.checkout(write, people.tenant(), "open", stripe_session_id=None)
    write.commit()
    return row.id


def test_another_tenants_checkout_is_as_missing_as_none(browser: Browser, write: Session) -> None:
    pages = [html.page(browser.get(f"/checkout/{name}"), 404) for name in (_foreign(write), uuid7())]
    assert pages[0].one("h1").text == pages[1].one("h1").text
    assert browser.get(f"/checkout/{_foreign(write)}/back").status_code == 404


def test_a_viewer_may_not_begin_a_checkout(app: APIFlask, person: Person) -> None:
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    response = viewer.send("/checkout", plan_id="starter", interval="month")
    assert html.page(response, 403).one("h1").text == "Your role does not allow this."
