"""The pages of a change of plan: the offer, its confirmation, what waits and what is scheduled."""

from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from portal.extensions import db
from portal.models import PlanChange
from tests.pages import rows
from tests.support import changing, html
from tests.support.people import Browser, Person
from tests.support.shopping import buy


@pytest.fixture(name="subscriber")
def fixture_subscriber(person: Person, stripe_sandbox, drain) -> Person:
    """The owner of a tenant that has bought Starter."""
    buy(person.tenant_id, stripe_sandbox, drain)
    return person


def asked(browser: Browser, plan: str = "professional", interval: str = "month", quantity: object = 1):
    """What the plans page links to, followed to the offer."""
    query = {"plan_id": plan, "interval": interval, "quantity": quantity}
    return browser.get("/plan-changes/new", query_string=query, follow_redirects=True)


def test_the_plans_page_offers_changes_to_subscribers(browser: Browser, subscriber: Person) -> None:
    page = html.page(browser.get("/plans"))
    links = [link["href"] for link in page.all("a") if "/plan-changes/new" in (link.get("href") or "")]
    assert [link.split("plan_id=")[1].split("&")[0] for link in links] == ["free", "professional", "enterprise"]
    yearly = html.page(browser.get("/plans?interval=year"))
    assert "Change to yearly billing" in yearly.text


def test_an_upgrade_is_offered_explained_and_confirmed(browser: Browser, subscriber: Person, drain) -> None:
    page = html.page(asked(browser))
    assert "Due today" in page.text
    assert "Unused time on Starter" in page.text
    assert "s / " in page.text, "the formula of each line"
    assert "You lose" not in page.text
    form = next(form for form in page.all("form") if (form.get("action") or "").endswith("/confirm"))
    answer = browser.post(form["action"], data=form.fields())
    assert answer.status_code == 303
    shown = html.page(browser.get(answer.location))
    assert "Your plan is Professional now" in shown.text
    drain()
    assert html.page(browser.get("/plans")).one(class_="plan-current").one(class_="plan-name").text == "Professional"
    again = browser.post(form["action"], data=form.fields())
    assert (again.status_code, again.location) == (303, answer.location), "the back button and a second press"


def test_a_downgrade_is_scheduled_and_taken_back(browser: Browser, person: Person, stripe_sandbox, drain) -> None:
    buy(person.tenant_id, stripe_sandbox, drain, "professional")
    page = html.page(asked(browser, "starter"))
    assert "Nothing is charged today" in page.text
    assert "You lose: Priority support" in page.text
    assert "You lose: Email support" not in page.text, "Starter has it too"
    form = next(form for form in page.all("form") if (form.get("action") or "").endswith("/confirm"))
    shown = html.page(browser.post(form["action"], data=form.fields(), follow_redirects=True))
    assert "Take the change back" in shown.text
    drain()
    assert "Your plan changes on" in html.page(browser.get("/")).text
    busy = browser.get("/plan-changes/new?plan_id=enterprise&interval=month")
    assert busy.location == form["action"].removesuffix("/confirm"), "one change at a time"
    back = next(form for form in shown.all("form") if (form.get("action") or "").endswith("/cancel"))
    ended = html.page(browser.post(back["action"], data=back.fields(), follow_redirects=True))
    assert "The change did not take place" in ended.text


@pytest.mark.parametrize(
    ("quantity", "sentence"),
    [
        ("0", "The quantity has to be at least 1."),
        ("-1", "The quantity has to be at least 1."),
        ("1000000000", "This plan is sold up to a quantity of 1."),
        ("many", "The quantity has to be a whole number."),
        ("1.5", "The quantity has to be a whole number."),
    ],
)
def test_quantities_that_make_no_sense(browser: Browser, subscriber: Person, quantity: str, sentence: str) -> None:
    answer = asked(browser, quantity=quantity)
    assert sentence in html.page(answer, 422).text


@pytest.mark.parametrize(("plan", "status"), [("nope", 422), ("", 422), ("starter", 422)])
def test_what_is_not_sold_or_there_already(browser: Browser, subscriber: Person, plan: str, status: int) -> None:
    assert asked(browser, plan).status_code == status


def test_without_a_subscription_there_is_nothing_to_change(browser: Browser) -> None:
    assert asked(browser).status_code == 409


def test_from_the_free_plan_one_goes_to_the_checkout(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, "free")
    write.commit()
    answer = browser.get("/plan-changes/new?plan_id=starter&interval=year")
    assert (answer.status_code, answer.location) == (302, "/plans?interval=year")


def test_an_offer_that_ran_out_says_so_and_leads_to_a_new_one(browser: Browser, subscriber: Person, write) -> None:
    first = asked(browser).request.path
    row = write.get(PlanChange, (subscriber.tenant_id, UUID(first.split("/")[-1])))
    row.expires_at = row.created_at
    write.commit()
    page = html.page(browser.get(first))
    assert "This offer has run out" in page.text
    assert not [form for form in page.all("form") if (form.get("action") or "").endswith("/confirm")]
    sent = browser.post(f"{first}/confirm", data={"csrf_token": browser.token("/plans")})
    assert sent.status_code == 303
    newer = html.page(browser.get(sent.location))
    assert sent.location != first
    assert "This is a new offer" in newer.text


def test_a_viewer_looks_but_does_not_act(browser: Browser, subscriber: Person, app) -> None:
    from tests.support import people

    path = asked(browser).request.path
    viewer = people.browser(app, people.member(subscriber.tenant_id, "viewer"))
    page = html.page(viewer.get(path))
    assert "Ask an owner" in page.text
    assert not [form for form in page.all("form") if (form.get("action") or "").endswith("/confirm")]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("confirmed", "Your change is being carried out"),
        ("awaiting_payment", "Your bank wants you to confirm the payment"),
        ("scheduled", "You can take the change back until that day"),
        ("applied", "Your plan is Professional now"),
        ("failed", "Stripe did not accept it"),
        ("canceled", "It was taken back"),
    ],
)
def test_each_state_has_its_page(browser: Browser, person: Person, write: Session, state: str, sentence: str) -> None:
    row = rows.plan_change(write, person.tenant_id, state, confirmed_at=rows.NOW, pay_until=rows.NOW)
    write.commit()
    assert sentence in html.page(browser.get(f"/plan-changes/{row.id}")).text
    db.session.remove()


def test_invoices_explain_their_lines(browser: Browser, subscriber: Person, drain) -> None:
    change = changing.quote(subscriber.tenant_id, "professional")
    changing.confirm(subscriber.tenant_id, change)
    drain()
    listed = html.page(browser.get("/invoices"))
    newest = listed.all("a", class_="row-link")[0]["href"]
    page = html.page(browser.get(newest))
    assert page.text.count("How this is computed") == 2
    assert "$99.00 × 1 × " in page.text
