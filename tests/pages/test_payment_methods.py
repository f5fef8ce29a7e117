"""The page of payment methods, the banner of what is owed, and paying it now."""

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from portal.models import Customer
from tests.pages import rows
from tests.support import html, people
from tests.support.people import Browser, Person


def customer_default(write: Session, person: Person, stripe_id: str) -> None:
    row = write.get(Customer, person.tenant_id)
    assert row is not None
    row.default_payment_method = stripe_id


def test_an_empty_list_invites_to_add_one(browser: Browser) -> None:
    page = html.page(browser.get("/payment-methods"))
    assert "No payment methods yet." in page.one("main").text
    assert page.form("/payment-methods").one("button").text == "Add a payment method"


def test_methods_are_listed_as_a_person_recognises_them(browser: Browser, person: Person, write: Session) -> None:
    visa = rows.method(write, person.tenant_id)
    rows.method(write, person.tenant_id, type="paypal", brand="", last4="", exp_month=None, exp_year=None,
                account_email="ada@example.com")  # fmt: skip
    rows.method(write, person.tenant_id, type="sepa_debit", brand="", last4="3000", exp_month=None, exp_year=None)
    rows.method(write, person.tenant_id, brand="amex", last4="8431", detached_at=rows.NOW)
    rows.method(write, person.tenant_id, brand="mastercard", last4="4444", exp_month=rows.NOW.month,
                exp_year=rows.NOW.year)  # fmt: skip
    customer_default(write, person, visa.stripe_payment_method_id)
    write.commit()
    shown = [entry.text for entry in html.page(browser.get("/payment-methods")).all("li", class_="method")]
    assert len(shown) == 4
    assert "Visa" in shown[0]
    assert "4242" in shown[0]
    assert "Default" in shown[0]
    assert any("PayPal" in text and "ada@example.com" in text for text in shown)
    assert any("SEPA direct debit" in text and "3000" in text for text in shown)
    assert any("Mastercard" in text and "Expires this month" in text for text in shown)


def test_a_viewer_sees_methods_and_may_change_none(app: APIFlask, person: Person, write: Session) -> None:
    method = rows.method(write, person.tenant_id)
    write.commit()
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    main = html.page(viewer.get("/payment-methods")).one("main")
    assert "4242" in main.text
    assert main.all("form") == []
    assert viewer.send(f"/payment-methods/{method.id}/default").status_code == 403


def test_the_last_method_stays_while_it_is_needed(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id)
    method = rows.method(write, person.tenant_id)
    write.commit()
    assert "Remove" not in html.page(browser.get("/payment-methods")).one("main").text
    answer = browser.send(f"/payment-methods/{method.id}/remove")
    assert answer.status_code == 409
    assert "This is your only payment method" in answer.text


def test_a_backup_is_chosen_without_stripe(browser: Browser, person: Person, write: Session) -> None:
    first = rows.method(write, person.tenant_id)
    second = rows.method(write, person.tenant_id, last4="4444", brand="mastercard")
    customer_default(write, person, first.stripe_payment_method_id)
    write.commit()
    assert browser.send(f"/payment-methods/{second.id}/backup").location == "/payment-methods"
    shown = [entry.text for entry in html.page(browser.get("/payment-methods")).all("li", class_="method")]
    assert "Default" in shown[0]
    assert "Backup" in shown[1]
    browser.send("/payment-methods/no-backup")
    assert html.page(browser.get("/payment-methods")).all("li", class_="method")[1].text.count("Backup") == 0


@pytest.mark.parametrize(("state", "days", "says"), [
    ("grace", 1, "everything works as usual"),
    ("restricted", 8, "What goes beyond your plan's limits is refused."),
    ("suspended", 15, "Your plan is suspended until this is paid."),
])  # fmt: skip
def test_the_banner_says_what_why_and_what_next(
    browser: Browser, person: Person, write: Session, state: str, days: int, says: str
) -> None:
    rows.subscription(write, person.tenant_id, status="past_due")
    owed = rows.overdue(write, person.tenant_id, days=days)
    rows.standing(write, person.tenant_id, state, days)
    write.commit()
    for path in ("/", "/plans", "/invoices", "/payment-methods"):
        banner = html.page(browser.get(path)).one(id="banner")
        assert "A payment of $34.51 did not go through." in banner.text
        assert "There was not enough money on the card or account." in banner.text
        assert "We try again on" in banner.text
        assert says in banner.text
        assert banner.all("a")[0]["href"] == f"/invoices/{owed.id}/pay"


def test_a_viewer_is_told_who_may_pay(app: APIFlask, person: Person, write: Session) -> None:
    owed = rows.overdue(write, person.tenant_id)
    write.commit()
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    banner = html.page(viewer.get("/")).one(id="banner")
    assert "An owner or somebody with the role Billing can pay it." in banner.text
    assert banner.all("a") == []
    assert viewer.get(f"/invoices/{owed.id}/pay").status_code == 403


def test_nothing_is_said_when_nothing_is_owed(browser: Browser, person: Person, write: Session) -> None:
    rows.invoice(write, person.tenant_id, "OK-1")
    rows.overdue(write, people.tenant(), "FOREIGN-1")
    write.commit()
    assert html.page(browser.get("/")).one(id="banner").text.strip() == ""


def test_a_payment_on_its_way_is_shown_as_such(browser: Browser, person: Person, write: Session) -> None:
    invoice = rows.overdue(write, person.tenant_id, payment_state="processing", failure_code=None, overdue_since=None)
    write.commit()
    assert "A bank payment of $34.51 is on its way." in html.page(browser.get("/")).one(id="banner").text
    page = html.page(browser.get(f"/invoices/{invoice.id}"))
    assert "Being paid" in page.one("main").text
    assert "Pay the invoice" not in page.text
    choice = html.page(browser.get(f"/invoices/{invoice.id}/pay")).one("main")
    assert "A bank payment is on its way." in choice.text
    assert choice.all("input", type="radio") == []


def test_paying_shows_the_amount_the_methods_and_the_tries(browser: Browser, person: Person, write: Session) -> None:
    owed = rows.overdue(write, person.tenant_id)
    method = rows.method(write, person.tenant_id)
    rows.attempt(write, owed, method, "declined", failure_code="insufficient_funds")
    write.commit()
    page = html.page(browser.get(f"/invoices/{owed.id}/pay")).one("main")
    assert page.one(class_="big-number").text == "$34.51 USD"
    assert page.one("input", type="radio")["value"] == str(method.id)
    assert "Automatic tries" in page.text
    assert "Tries by hand" in page.text


@pytest.mark.parametrize("sent", [
    {}, {"method_id": "not-a-uuid", "amount_minor": "3451"}, {"method_id": "", "amount_minor": "3451"},
    {"method_id": "01890000-0000-7000-8000-000000000000", "amount_minor": "29.99"},
    {"method_id": "01890000-0000-7000-8000-000000000000", "amount_minor": "-1"},
    {"method_id": "01890000-0000-7000-8000-000000000000", "amount_minor": "9" * 40},
])  # fmt: skip
def test_bad_input_is_refused_with_the_same_page(
    browser: Browser, person: Person, write: Session, sent: dict[str, str]
) -> None:
    owed = rows.overdue(write, person.tenant_id)
    rows.method(write, person.tenant_id)
    write.commit()
    answer = browser.send(f"/invoices/{owed.id}/pay", **sent)
    assert html.page(answer, 422).one(role="alert")


def test_another_amount_than_shown_is_refused(browser: Browser, person: Person, write: Session) -> None:
    owed = rows.overdue(write, person.tenant_id)
    method = rows.method(write, person.tenant_id)
    write.commit()
    answer = browser.send(f"/invoices/{owed.id}/pay", method_id=str(method.id), amount_minor="1")
    assert "The amount of this invoice has changed." in html.page(answer, 422).one(role="alert").text


@pytest.mark.parametrize(("state", "says"), [
    ("started", "Asking your bank…"),
    ("paid", "$34.51 is paid"),
    ("processing", "Your payment is on its way"),
    ("action_required", "Your bank wants you to confirm"),
    ("declined", "Visa •••• 4242 was declined"),
    ("refused", "The payment was not possible"),
])  # fmt: skip
def test_each_end_of_a_try_has_its_page(
    browser: Browser, person: Person, write: Session, state: str, says: str
) -> None:
    owed = rows.overdue(write, person.tenant_id)
    made = rows.attempt(write, owed, rows.method(write, person.tenant_id), state, failure_code="insufficient_funds")
    write.commit()
    page = html.page(browser.get(f"/payments/{made.id}"))
    assert page.one("main").one("h1").text == says
    assert bool(page.all("meta", **{"http-equiv": "refresh"})) == (state == "started")
    if state == "declined":
        assert "There was not enough money on the card or account." in page.one("main").text
    if state == "action_required":
        assert page.one("main").all("a", class_="btn")[0]["href"] == "https://invoice.stripe.com/i/test"


@pytest.mark.parametrize(("state", "says"), [
    ("preparing", "Saving your payment method"),
    ("open", "Saving your payment method"),
    ("abandoned", "You left Stripe's page"),
    ("expired", "No payment method was added"),
    ("failed", "No payment method was added"),
    ("complete", "Visa •••• 4242 was saved"),
])  # fmt: skip
def test_each_state_of_adding_a_method_has_its_page(
    browser: Browser, person: Person, write: Session, state: str, says: str
) -> None:
    method = rows.method(write, person.tenant_id)
    saved = method.stripe_payment_method_id if state == "complete" else None
    setup = rows.method_setup(write, person.tenant_id, state, stripe_payment_method_id=saved)
    write.commit()
    page = html.page(browser.get(f"/payment-methods/setups/{setup.id}"))
    assert page.one("main").one("h1").text == says


def test_a_method_saved_while_something_is_owed_is_offered_to_pay_it(
    browser: Browser, person: Person, write: Session
) -> None:
    owed = rows.overdue(write, person.tenant_id)
    method = rows.method(write, person.tenant_id)
    saved = method.stripe_payment_method_id
    setup = rows.method_setup(write, person.tenant_id, "complete", stripe_payment_method_id=saved)
    write.commit()
    button = html.page(browser.get(f"/payment-methods/setups/{setup.id}")).one("main").all("a", class_="btn")[0]
    assert button.text == "Pay $34.51 with it"
    assert button["href"] == f"/invoices/{owed.id}/pay?method_id={method.id}"


@pytest.mark.parametrize(("language", "says", "why"), [
    ("es", "No se pudo completar un pago de", "no tenían fondos suficientes"),
    ("pt_BR", "Um pagamento de", "Não havia saldo"),
])  # fmt: skip
def test_pages_speak_the_readers_language(app: APIFlask, write: Session, language: str, says: str, why: str) -> None:
    person = people.member(language=language, format_locale=language)
    rows.overdue(write, person.tenant_id)
    method = rows.method(write, person.tenant_id)
    write.commit()
    page = html.page(people.browser(app, person).get("/payment-methods"))
    assert says in page.one(id="banner").text
    assert why in page.one(id="banner").text
    assert method.last4 in page.one("main").text
    assert "Payment methods" not in page.text


def test_paying_with_javascript_off_is_one_form(browser: Browser, person: Person, write: Session) -> None:
    owed = rows.overdue(write, person.tenant_id)
    rows.method(write, person.tenant_id)
    write.commit()
    page = html.page(browser.get(f"/invoices/{owed.id}/pay"))
    assert html.faults(page) == []
    form = page.form(f"/invoices/{owed.id}/pay")
    assert form.fields()["amount_minor"] == "3451"
