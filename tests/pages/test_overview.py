"""The overview says what the tenant has, what comes next, and what is owed."""

from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from tests.pages import rows, usage_rows
from tests.support import html, people
from tests.support.people import Browser, Person
from tests.support.statements import asked


def test_a_new_tenant_is_invited_to_choose_a_plan(browser: Browser) -> None:
    page = html.page(browser.get("/"))
    assert page.one("h1").text == "Overview"
    assert "You have no plan yet." in page.one("main").text
    assert page.one("main").one("a", class_="btn")["href"] == "/plans"


def test_the_next_charge_is_the_one_big_number(browser: Browser, person: Person, write: Session) -> None:
    row = rows.subscription(write, person.tenant_id)
    write.commit()
    page = html.page(browser.get("/"))
    assert page.one(class_="big-number").text == "$29.00 USD"
    assert row.current_period_end is not None
    assert row.current_period_end.isoformat() in [time["datetime"] for time in page.all("time")]
    assert page.one(class_="status").text == "Active"
    assert "No invoices yet." in page.text


def test_a_trial_names_its_end_as_the_next_charge(browser: Browser, person: Person, write: Session) -> None:
    ends = rows.NOW + timedelta(days=5)
    rows.subscription(write, person.tenant_id, status="trialing", trial_end=ends)
    write.commit()
    page = html.page(browser.get("/"))
    assert page.one(class_="big-note").one("time")["datetime"] == ends.isoformat()
    assert "Trial until" in page.text


def test_a_plan_that_ends_shows_no_next_charge(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, cancel_at_period_end=True)
    write.commit()
    text = html.page(browser.get("/")).one(class_="big").text
    assert "Your plan ends" in text
    assert "$29.00" not in text


def test_a_free_plan_costs_nothing(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, "free")
    write.commit()
    assert "This plan is free. No card is needed." in html.page(browser.get("/")).text


def test_an_overdue_payment_is_said_with_its_amount_and_where_to_look(
    browser: Browser, person: Person, write: Session
) -> None:
    rows.subscription(write, person.tenant_id, status="past_due")
    owed = rows.overdue(write, person.tenant_id)
    write.commit()
    callout = html.page(browser.get("/")).one(class_="callout")
    assert "A payment of $34.51 did not go through." in callout.text
    assert callout.all("a")[0]["href"] == f"/invoices/{owed.id}/pay"


def test_an_ended_plan_keeps_its_invoices_in_sight(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, status="canceled", ended_at=rows.NOW)
    rows.invoice(write, person.tenant_id, "OLD-1")
    write.commit()
    text = html.page(browser.get("/")).one("main").text
    assert "Your Starter plan has ended." in text
    assert "OLD-1" in text


def test_another_tenants_rows_are_not_there(app: APIFlask, browser: Browser, write: Session) -> None:
    stranger = people.tenant()
    rows.subscription(write, stranger)
    rows.invoice(write, stranger, "FOREIGN-1")
    write.commit()
    text = html.page(browser.get("/")).text
    assert "FOREIGN-1" not in text
    assert "You have no plan yet." in text


def test_the_page_asks_a_handful_of_questions(app: APIFlask, browser: Browser, person: Person, write: Session) -> None:
    """And no more for sixty invoices than for six."""
    rows.subscription(write, person.tenant_id)
    found: dict[int, list[str]] = {}
    for many in (6, 60):
        for number in range(many):
            rows.invoice(write, person.tenant_id, f"INV-{many}-{number}", 10 + number)
        write.commit()
        found[many] = asked(lambda: browser.get("/"))
    assert len(found[60]) == len(found[6]) <= 14, found[60]


@pytest.mark.parametrize("leaves", [False, True])
def test_what_is_beyond_the_plan_has_its_price(browser: Browser, person: Person, write: Session, leaves: bool) -> None:
    rows.subscription(write, person.tenant_id, cancel_at_period_end=leaves)
    usage_rows.two_periods(write, person.tenant_id)
    usage_rows.terms(write, "starter", "api_calls")
    usage_rows.report(person.tenant_id, "api_calls", 10_900, rows.NOW)
    shown = html.page(browser.get("/")).text
    assert "Beyond the plan so far: $4.50, before tax." in shown
    assert ("What you used beyond it is charged then" in shown) is leaves
    assert "Nothing will be charged" not in shown
