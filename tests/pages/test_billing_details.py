"""Billing details: entered by those who may, checked, said what they apply to, kept out of what is issued."""

import pytest
from sqlalchemy import select, text

from portal.models import AuditEntry, BillingDetails, Tenant
from tests.pages import rows, tax_rows
from tests.support import html, people

PAGE = "/billing-details"
ENTERED = {
    "legal_name": "Acme, S.L.",
    "line1": "Gran Vía 1",
    "line2": "",
    "postal_code": "28013",
    "city": "Madrid",
    "state": "",
    "country": "ES",
    "tax_id": "b-12345674",
    "purchase_order": "PO-2026-17",
    "electronic_address": "9920:ESB12345674",
    "email": "Invoices@Acme.example",
    "copies": "cfo@acme.example\r\n\r\ninvoices@acme.example\r\nbooks@acme.example",
    "language": "es",
    "format_locale": "es_ES",
    "timezone": "Europe/Madrid",
}


def send(browser, **changes):
    return browser.send(PAGE, PAGE, **{**ENTERED, **changes})


def stored(write, person):
    write.rollback()
    write.expire_all()
    return write.get_one(BillingDetails, person.tenant_id), write.get_one(Tenant, person.tenant_id)


def test_everything_is_kept_and_normalised(browser, write, person):
    assert send(browser).status_code == 303
    details, tenant = stored(write, person)
    assert (details.legal_name, details.city, details.country) == ("Acme, S.L.", "Madrid", "ES")
    assert (details.tax_id, details.tax_id_kind, details.version) == ("ESB12345674", "eu_vat", 2)
    assert (details.email, details.copies) == ("invoices@acme.example", ["cfo@acme.example", "books@acme.example"])
    assert (details.purchase_order, details.electronic_address) == ("PO-2026-17", "9920:ESB12345674")
    assert (tenant.language, tenant.format_locale, tenant.timezone) == ("es", "es_ES", "Europe/Madrid")
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "billing_details.change")).one()
    assert "tax_id" in entry.after["changed"]
    assert "ESB12345674" not in str(entry.after)  # entries outlive an erasure
    form = html.page(browser.get(PAGE)).form(PAGE)
    assert form.fields()["tax_id"] == "ESB12345674"
    send(browser, tax_id="ESB12345674", email="invoices@acme.example", copies="cfo@acme.example books@acme.example")
    assert stored(write, person)[0].version == 2  # the same again is no change


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"legal_name": " "}, "legal_name", "Enter the name"),
        ({"legal_name": "a\x00b"}, "legal_name", "cannot be shown"),
        ({"line1": "x" * 201}, "line1", "longer than 200"),
        ({"country": "XX"}, "country", "Not a valid choice"),
        ({"tax_id": "B12345675"}, "tax_id", "no valid tax ID"),
        ({"country": "", "tax_id": "B12345674"}, "tax_id", "Choose a country"),
        ({"email": "nobody"}, "email", "no e-mail address"),
        ({"email": ""}, "email", "no e-mail address"),
        ({"copies": "a@b.example nobody"}, "copies", "at most five"),
        ({"copies": " ".join(f"a{number}@b.example" for number in range(6))}, "copies", "at most five"),
        ({"electronic_address": "ESB12345674"}, "electronic_address", "four digits"),
        ({"timezone": "Mars/Base"}, "timezone", "Not a valid choice"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_kept(browser, write, person, changes, field, said):
    answer = send(browser, **changes)
    page = html.page(answer, 422)
    assert said in page.one(id=f"{field}-error").text
    assert page.form(PAGE).fields()["purchase_order"] == "PO-2026-17"  # what was entered is still there
    assert stored(write, person)[0].version == 1


def test_what_a_change_applies_to_is_said_before(browser, write, person):
    rows.subscription(write, person.tenant_id)
    rows.invoice(write, person.tenant_id, "A-1")
    rows.overdue(write, person.tenant_id)
    write.commit()
    said = html.page(browser.get(PAGE)).text
    assert "2 invoices that were issued stay as they are. 1 of them is unpaid" in said
    assert "Invoices from now on; the next one is due on" in said
    assert "time zone counts from your next period" in said


def test_who_may_only_read_sees_and_cannot_change(app, person):
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    page = html.page(viewer.get(PAGE))
    assert page.all("fieldset", disabled=True)
    assert not [button for button in page.all("button") if button.text == "Save"]
    assert send(viewer).status_code == 403


def test_the_tax_that_would_follow_is_shown_and_nothing_is_kept(browser, write, person):
    tax_rows.rate(write)
    tax_rows.decided(write)
    write.commit()

    def shown(**entered):
        return browser.send(f"{PAGE}/tax", PAGE, **entered).text

    assert "IVA 21% (Spain) is added to prices." in shown(country="ES", tax_id="")
    assert "reverse charge" in shown(country="DE", tax_id="DE136695976")
    assert "no valid tax ID" in shown(country="DE", tax_id="DE1")
    assert "No tax is charged in this country." in shown(country="US", tax_id="")
    assert "Choose your country" in shown(country="", tax_id="")
    assert stored(write, person)[0].country == ""
    tax_rows.exemption(write, person.tenant_id)
    write.commit()
    assert "exempt" in shown(country="ES", tax_id="")


def test_whoever_buys_without_a_country_enters_it_first(browser, write, person):
    tax_rows.rate(write)
    tax_rows.decided(write)
    write.commit()
    answer = browser.send("/checkout", "/plans", plan_id="starter", interval="month")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?next=/plans?interval%3Dmonth")
    page = html.page(browser.get(answer.location))
    assert "Enter your country first" in page.text
    assert page.form(PAGE).fields()["next"] == "/plans?interval=month"
    assert send(browser, next="/plans?interval=month").location == "/plans?interval=month"
    assert send(browser, city="Toledo", next="https://evil.example/").location == PAGE
    assert write.execute(text("SELECT count(*) FROM checkouts")).scalar_one() == 0
