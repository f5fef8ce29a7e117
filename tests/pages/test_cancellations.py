"""The page of leaving, and what the overview and the banner say of a trial and of an end."""

from datetime import timedelta

import pytest
from apiflask import APIFlask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.models import Customer, Plan, PlanPrice
from tests.pages import rows, usage_rows
from tests.support import html, people
from tests.support.people import Browser, Person

SOON = rows.NOW + timedelta(days=5)


def test_leaving_says_when_and_what_is_kept(browser: Browser, person: Person, write: Session) -> None:
    row = rows.subscription(write, person.tenant_id, "professional")
    write.commit()
    page = html.page(browser.get("/subscription/cancel"))
    assert page.one("h1").text == "Cancel your Professional plan"
    assert row.current_period_end is not None
    assert page.one(class_="big-number").one("time")["datetime"] == row.current_period_end.isoformat()
    text = page.one("main").text
    assert "Your invoices, payment methods and people stay in the portal." in text
    assert "Starter costs $29.00 instead of $99.00." in text
    sent = page.form("/subscription/cancel").fields()
    assert sent["ending"] == "period_end"


def offer(browser: Browser) -> str:
    links = [link["href"] for link in html.page(browser.get("/subscription/cancel")).all("a")]
    return next((href for href in links if href.startswith("/plan-changes/new")), "")


def test_a_smaller_plan_is_offered_for_as_many_seats(browser: Browser, person: Person, write: Session) -> None:
    write.execute(update(Plan).values(max_quantity=10))
    row = rows.subscription(write, person.tenant_id, "professional", quantity=7)
    write.commit()
    text = html.page(browser.get("/subscription/cancel")).one("main").text
    assert "Starter costs $203.00 instead of $693.00." in text
    assert "quantity=7" in offer(browser)
    write.execute(update(Plan).values(max_quantity=5))  # a plan that is not sold for so many
    write.commit()
    assert offer(browser) == ""
    write.execute(update(Plan).values(max_quantity=10))
    row.status = "past_due"
    write.commit()
    assert offer(browser) == ""


def test_no_smaller_plan_while_a_change_is_under_way(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, "professional")
    rows.plan_change(write, person.tenant_id, "scheduled", plan_id="enterprise")
    write.commit()
    assert offer(browser) == ""


def test_what_stays_owed_is_said_before(browser: Browser, person: Person, write: Session) -> None:
    write.execute(update(Plan).values(cancel_at="choice", cancel_refund="prorated"))
    write.merge(Customer(tenant_id=person.tenant_id))
    row = rows.subscription(write, person.tenant_id, status="past_due")
    of = {"stripe_subscription_id": row.stripe_subscription_id, "subscription_id": row.id, "tax_minor": 0}
    due = rows.overdue(
        write, person.tenant_id, total_minor=2900, taxes=[], amount_remaining_minor=2900, age_days=10, **of
    )
    write.commit()
    text = html.page(browser.get("/subscription/cancel")).one("main").text
    assert "less to pay" in text
    assert "stay owed: you can still pay that on the invoice" in text
    due.payment_state = "processing"
    write.commit()
    text = html.page(browser.get("/subscription/cancel")).one("main").text
    assert "A payment of your plan is still on its way." in text
    answer = browser.send("/subscription/cancel", "/subscription/cancel", ending="now")
    assert "Nothing was canceled." in html.page(answer, 409).one(role="alert").text


def test_what_was_scheduled_is_said_to_be_taken_back_too(browser: Browser, person: Person, write: Session) -> None:
    row = rows.subscription(write, person.tenant_id, "professional")
    wanted = select(PlanPrice).where(PlanPrice.plan_id == "starter", PlanPrice.interval == "month")
    row.scheduled_plan_price_id = write.scalars(wanted).first().id  # type: ignore[union-attr]  # it is sold
    row.scheduled_at = SOON
    write.commit()
    page = html.page(browser.get("/subscription/cancel"))
    assert "Your change to Starter on" in page.one("main").text
    assert "is taken back too." in page.one("main").text


def test_at_once_states_the_refund_beforehand(browser: Browser, person: Person, write: Session) -> None:
    write.execute(update(Plan).values(cancel_at="choice", cancel_refund="prorated"))
    write.merge(Customer(tenant_id=person.tenant_id))
    row = rows.subscription(write, person.tenant_id)
    bought = {"stripe_subscription_id": row.stripe_subscription_id, "subscription_id": row.id, "tax_minor": 0}
    rows.invoice(write, person.tenant_id, "PAID-1", total_minor=2900, taxes=[], amount_paid_minor=2900, **bought)
    write.commit()
    page = html.page(browser.get("/subscription/cancel"))
    assert "Now, with $19.3" in page.one("main").text  # two thirds of 29.00, some seconds later
    assert "It cannot be undone." in page.one("main").text
    answer = browser.send("/subscription/cancel", "/subscription/cancel", ending="now", token="forged")
    moved = html.page(answer, 409)
    assert "The amount to be refunded has changed." in moved.one(role="alert").text


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"ending": "sometime"}, "Not a valid choice"),
        ({"reason": "bored"}, "Not a valid choice"),
        ({"comment": "x" * 2001}, "Please shorten your comment to 2,000 characters."),
    ],
)
def test_a_form_that_is_wrong_is_shown_again(
    browser: Browser, person: Person, write: Session, sent: dict[str, str], sentence: str
) -> None:
    rows.subscription(write, person.tenant_id)
    write.commit()
    page = html.page(browser.send("/subscription/cancel", "/subscription/cancel", **sent), 422)
    assert sentence in page.one("main").text


def test_nothing_to_leave_leads_back(browser: Browser, person: Person, write: Session) -> None:
    assert browser.get("/subscription/cancel").location == "/"
    rows.subscription(write, person.tenant_id)
    rows.cancellation(write, person.tenant_id, "scheduled")
    write.commit()
    assert browser.get("/subscription/cancel").location == "/"


def test_an_end_that_is_scheduled_can_be_taken_back_from_the_overview(
    browser: Browser, person: Person, write: Session
) -> None:
    rows.subscription(write, person.tenant_id)
    rows.cancellation(write, person.tenant_id, "scheduled")
    write.commit()
    page = html.page(browser.get("/"))
    assert "Your plan ends" in page.one(class_="big").text
    assert page.form("/subscription/keep")


@pytest.mark.parametrize(
    ("behavior", "sentence"),
    [
        ("cancel", "Without a payment method it ends then; with one, $29.00 are charged."),
        ("pause", "Without a payment method it is paused then; with one, $29.00 are charged."),
        ("create_invoice", "Then you get an invoice over $29.00."),
    ],
)
@pytest.mark.parametrize("path", ["/", "/invoices", "/plans"])
def test_a_trial_is_said_on_every_page(
    browser: Browser, person: Person, write: Session, behavior: str, sentence: str, path: str
) -> None:
    values = {"status": "trialing", "trial_end": SOON, "trial_end_behavior": behavior}
    rows.subscription(write, person.tenant_id, **values)
    write.commit()
    banner = html.page(browser.get(path)).one(id="banner")
    assert sentence in banner.text
    assert banner.one("time")["datetime"] == SOON.isoformat()
    assert banner.one("a")["href"] == "/payment-methods"


def test_a_trial_with_a_card_says_what_is_charged(browser: Browser, person: Person, write: Session) -> None:
    write.merge(Customer(tenant_id=person.tenant_id, default_payment_method="pm_1"))
    foretold = {"amount_due_minor": 3451, "currency": "usd", "lines": []}
    rows.subscription(write, person.tenant_id, status="trialing", trial_end=SOON, next_invoice=foretold)
    write.commit()
    assert "Then $34.51 are charged." in html.page(browser.get("/plans")).one(id="banner").text


def test_a_paused_plan_goes_on_for_what_is_said(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, status="paused", trial_end=rows.NOW)
    write.commit()
    assert "there is no payment method" in html.page(browser.get("/")).one(id="banner").text
    write.merge(Customer(tenant_id=person.tenant_id, default_payment_method="pm_1"))
    write.commit()
    banner = html.page(browser.get("/")).one(id="banner")
    assert "Going on costs $29.00 today." in banner.text
    assert banner.form("/subscription/resume").fields()["amount_minor"] == "2900"


def test_going_on_without_an_amount_asks_for_a_reload(browser: Browser, person: Person, write: Session) -> None:
    write.merge(Customer(tenant_id=person.tenant_id, default_payment_method="pm_1"))
    rows.subscription(write, person.tenant_id, status="paused", trial_end=rows.NOW)
    write.commit()
    assert browser.send("/subscription/resume", "/", amount_minor="").location == "/"
    assert "Reload the page and try again." in html.page(browser.get("/")).text


def test_somebody_who_only_looks_gets_no_buttons(app: APIFlask, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, status="trialing", trial_end=SOON)
    write.commit()
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    page = html.page(viewer.get("/"))
    assert "An owner of your organisation can add one." in page.one(id="banner").text
    assert not page.one(id="banner").all("a")
    assert not [link for link in page.all("a") if link["href"] == "/subscription/cancel"]
    html.page(viewer.get("/subscription/cancel"), 403)


def test_the_next_charge_is_what_stripe_foretells(browser: Browser, person: Person, write: Session) -> None:
    foretold = {
        "subtotal_minor": 9900, "total_minor": 10000, "amount_due_minor": 10000, "currency": "usd", "tax_minor": 1900,
        "balance_minor": -1000,
        "discounts": [{"name": "WELCOME20", "amount_minor": 1800}],
        "lines": [{"description": "Professional", "amount_minor": 9900}],
    }  # fmt: skip
    row = rows.subscription(write, person.tenant_id, "professional", next_invoice=foretold)
    last = {"stripe_subscription_id": row.stripe_subscription_id, "subscription_id": row.id}
    rows.invoice(write, person.tenant_id, "LAST-1", **last)
    write.commit()
    page = html.page(browser.get("/"))
    assert page.one(class_="big-number").text == "$100.00 USD"
    text = page.one(id="subscription").text
    assert "with $19.00 tax" in text
    assert "WELCOME20" in text
    changed = page.one("table", within="subscription").all("tr")[1:]
    cells = [[cell.text for cell in (*row.all("th"), *row.all("td"))] for row in changed]
    assert cells == [
        ["Professional", "–", "$99.00", "+ $99.00"],
        ["1 × Starter (at $29.00 / month)", "$29.00", "–", "\u2212$29.00"],
        ["Discount · WELCOME20", "–", "\u2212$18.00", "\u2212$18.00"],
        ["Tax", "$5.51", "$19.00", "+ $13.49"],
    ]


def test_an_ended_plan_is_offered_again(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, status="canceled", ended_at=rows.NOW)
    write.commit()
    form = html.page(browser.get("/")).form("/checkout")
    assert (form.fields()["plan_id"], form.fields()["interval"]) == ("starter", "month")
    assert "Starter again for $29.00, charged today" in form.text


def test_the_plans_offer_the_trial_first_and_only_once(browser: Browser, person: Person, write: Session) -> None:
    starter = html.page(browser.get("/plans")).all(class_="plan")[1]
    trial, paid = starter.all("form")
    assert (trial["action"], paid["action"]) == ("/checkout?trial=yes", "/checkout")
    assert "Try it for 14 days" in trial.text
    assert "then $29.00" in starter.text
    write.merge(Customer(tenant_id=person.tenant_id, trial_used_at=rows.NOW))
    write.commit()
    page = html.page(browser.get("/plans"))
    assert not page.all("form", action="/checkout?trial=yes")
    answer = browser.send("/checkout?trial=yes", "/plans", plan_id="starter", interval="month")
    assert html.page(answer, 409).one("h1").text == "Your organisation has already had its trial."


@pytest.mark.parametrize(
    ("language", "locale", "words"),
    [
        ("en", "en_US", ("End my trial", "Trial of Starter until")),
        ("es", "es_ES", ("Terminar mi prueba", "Prueba de Starter hasta el")),
        ("pt_BR", "pt_BR", ("Encerrar meu teste", "Teste de Starter até")),
    ],
)
def test_in_three_languages(app: APIFlask, write: Session, language: str, locale: str, words: tuple[str, str]) -> None:
    person = people.member(language=language, format_locale=locale)
    rows.subscription(write, person.tenant_id, status="trialing", trial_end=SOON)
    write.commit()
    page = html.page(people.browser(app, person).get("/subscription/cancel"))
    assert words[0] in page.text
    assert words[1] in page.one(id="banner").text


def test_usage_beyond_the_plan_is_said_to_be_charged(browser: Browser, person: Person, write: Session) -> None:
    write.merge(Customer(tenant_id=person.tenant_id))
    rows.subscription(write, person.tenant_id)
    usage_rows.two_periods(write, person.tenant_id)
    usage_rows.terms(write, "starter", "api_calls")
    assert "Nothing more is charged." in html.page(browser.get("/subscription/cancel")).text
    usage_rows.report(person.tenant_id, "api_calls", 10_900, rows.NOW)
    shown = html.page(browser.get("/subscription/cancel")).text
    assert "You used more than the plan includes: $4.50 so far, before tax." in shown
    assert "Nothing more is charged." not in shown
