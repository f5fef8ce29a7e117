"""The list of invoices, one invoice, and the states of its document."""

from collections.abc import Callable

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from portal.ids import uuid7
from portal.invoicing.invoices import PAGE_SIZE
from tests.pages import rows
from tests.support import html, people
from tests.support.people import Browser, Person

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def _numbers(page: html.Element) -> list[str]:
    return [link.text for link in page.all("a", class_="row-link")]


def test_an_empty_list_says_why(browser: Browser) -> None:
    assert "No invoices yet." in html.page(browser.get("/invoices")).text


def test_the_list_pages_by_cursor_with_and_without_htmx(
    browser: Browser, person: Person, write: Session, fragment: Callable[[str], str]
) -> None:
    for age in range(PAGE_SIZE + 5):
        rows.invoice(write, person.tenant_id, f"INV-{age:02}", age_days=age)
    write.commit()
    first = html.page(browser.get("/invoices"))
    assert _numbers(first) == [f"INV-{age:02}" for age in range(PAGE_SIZE)]
    more = first.one(class_="load-more").one("a")
    assert more["href"] == more["hx-get"]
    older = html.page(browser.get(more["href"]))
    further = html.parse(fragment(more["hx-get"]))
    assert _numbers(older) == _numbers(further) == [f"INV-{age:02}" for age in range(PAGE_SIZE, PAGE_SIZE + 5)]
    assert not further.all(class_="load-more")
    assert not further.all("table"), "rows only: they take the place of a row"
    focused = [link.text for link in further.all("a", autofocus=True)]
    assert focused == [f"INV-{PAGE_SIZE}"], "the focus goes on, not back"


def test_a_cursor_that_we_did_not_make_is_refused(browser: Browser) -> None:
    page = html.page(browser.get("/invoices?after=abc"), 422)
    assert page.one("h1").text == "This list has moved on."


def test_an_invoice_adds_up_in_sight(browser: Browser, person: Person, write: Session) -> None:
    coupon = [{"name": "Welcome", "amount_minor": 580}]
    amounts = {"total_minor": 2871, "amount_due_minor": 2571, "amount_paid_minor": 2571}
    row = rows.invoice(write, person.tenant_id, "SUM-1", discounts=coupon, discount_minor=580, **amounts)
    write.commit()
    page = html.page(browser.get(f"/invoices/{row.id}"))
    sums = [(line.one("th").text, line.all("td", class_="num")[0].text) for line in page.all("tr", class_="sum")]
    assert sums == [
        ("Subtotal", "$29.00"),
        ("Discount: Welcome", "−$5.80"),
        ("VAT 19%", "$5.51"),
        ("Total", "$28.71 USD"),
        ("From your balance", "−$3.00"),
        ("Paid", "−$25.71"),
        ("Amount due", "$0.00 USD"),
    ]
    assert page.one(class_="big-number").text == "$28.71 USD"
    assert "Visa •••• 4242" in page.text.replace("visa", "Visa")


def test_what_is_owed_is_the_big_number_of_an_open_invoice(browser: Browser, person: Person, write: Session) -> None:
    row = rows.invoice(write, person.tenant_id, "OPEN-1", status="open", due_at=rows.NOW)
    write.commit()
    page = html.page(browser.get(f"/invoices/{row.id}"))
    assert "Amount due" in page.one(class_="big").text
    assert "due on" in page.one(class_="big").text


def test_a_document_downloads_as_a_file(browser: Browser, person: Person, write: Session) -> None:
    row = rows.invoice(write, person.tenant_id, "PDF-1")
    rows.document(write, row, b"%PDF-1.7 the bytes")
    write.commit()
    link = html.page(browser.get(f"/invoices/{row.id}")).one(id="document").one("a")
    response = browser.get(link["href"])
    assert response.data == b"%PDF-1.7 the bytes"
    assert response.mimetype == "application/pdf"
    assert response.headers["Content-Disposition"] == "attachment; filename=PDF-1.pdf"


def test_a_document_under_way_is_waited_for(
    browser: Browser, person: Person, write: Session, fragment: Callable[[str], str]
) -> None:
    row = rows.invoice(write, person.tenant_id, "WAIT-1", document_state="pending")
    write.commit()
    page = html.page(browser.get(f"/invoices/{row.id}"))
    assert "being prepared" in page.one(id="document").text
    assert len(page.all("meta", http_equiv="refresh")) == 1
    row.document_state = "ready"
    write.commit()
    done = html.parse(fragment(page.one(hx_trigger=True)["hx-get"]))
    assert done.one(id="document").one("a").text == "Download PDF"
    assert not done.all(hx_trigger=True)


def test_a_failed_document_can_be_tried_again(browser: Browser, person: Person, write: Session) -> None:
    row = rows.invoice(write, person.tenant_id, "FAIL-1", document_state="failed")
    write.commit()
    form = html.page(browser.get(f"/invoices/{row.id}")).form(f"/invoices/{row.id}/document")
    response = browser.post(form["action"], data=form.fields(), headers=PARTIAL)
    assert "being prepared" in html.parse(response.text).one(id="document").text
    assert "toast" in response.headers["HX-Trigger"]


def test_without_htmx_trying_again_leads_back_to_the_invoice(browser: Browser, person: Person, write: Session) -> None:
    row = rows.invoice(write, person.tenant_id, "FAIL-2", document_state="failed")
    write.commit()
    form = html.page(browser.get(f"/invoices/{row.id}")).form(f"/invoices/{row.id}/document")
    response = browser.post(form["action"], data=form.fields())
    assert (response.status_code, response.location) == (303, f"/invoices/{row.id}")


def test_a_viewer_sees_the_failure_but_not_the_button(app: APIFlask, person: Person, write: Session) -> None:
    row = rows.invoice(write, person.tenant_id, "FAIL-3", document_state="failed")
    write.commit()
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    page = html.page(viewer.get(f"/invoices/{row.id}"))
    assert "could not be prepared" in page.text
    assert not page.all("form", action=f"/invoices/{row.id}/document")


@pytest.mark.parametrize("path", ["/invoices/{}", "/invoices/{}/document.pdf"])
def test_another_tenants_invoice_is_as_missing_as_none(browser: Browser, write: Session, path: str) -> None:
    foreign = rows.invoice(write, people.tenant(), "FOREIGN-1")
    rows.document(write, foreign)
    write.commit()
    answers = [browser.get(path.format(name)) for name in (foreign.id, uuid7())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert html.page(answers[0], 404).one("h1").text == html.page(answers[1], 404).one("h1").text


def test_a_credit_note_is_downloaded(browser: Browser, person: Person, write: Session) -> None:
    invoice = rows.invoice(write, person.tenant_id, "BACK-1")
    note = rows.credit_note(write, invoice)
    rows.document(write, invoice, b"%PDF-1.7 note", "credit_note", credit_note_id=note.id)
    write.commit()
    page = html.page(browser.get(f"/invoices/{invoice.id}"))
    [link] = page.one(id="credit-notes").all("a")
    assert link.text == f"PDF of credit note {note.number}"
    answer = browser.get(link["href"])
    assert answer.data == b"%PDF-1.7 note"
    assert f"{note.number}.pdf" in answer.headers["Content-Disposition"]
    assert browser.get(f"/invoices/{uuid7()}/credit-notes/{note.id}.pdf").status_code == 404


def test_a_failed_credit_note_is_tried_again(browser: Browser, person: Person, write: Session) -> None:
    invoice = rows.invoice(write, person.tenant_id, "BACK-2")
    note = rows.credit_note(write, invoice, document_state="failed")
    write.commit()
    page = html.page(browser.get(f"/invoices/{invoice.id}"))
    form = page.one(id="credit-notes").one("form")
    assert browser.send(form["action"], f"/invoices/{invoice.id}").status_code == 303
    write.refresh(note)
    assert (note.document_state, note.document_attempt) == ("pending", 1)
    assert browser.send(form["action"], f"/invoices/{invoice.id}").status_code == 409


def test_a_receipt_is_asked_for_and_downloaded(
    browser: Browser, person: Person, write: Session, fragment: Callable[[str], str]
) -> None:
    invoice = rows.invoice(write, person.tenant_id, "PAID-1")
    write.commit()
    page = html.page(browser.get(f"/invoices/{invoice.id}"))
    form = page.one(id="papers").one("form")
    assert form.one("button").text.startswith("Make a receipt")
    assert browser.send(form["action"], f"/invoices/{invoice.id}").status_code == 303
    waiting = html.parse(fragment(f"/invoices/{invoice.id}?part=papers"))
    assert "In preparation" in waiting.text
    [payment] = invoice.payments
    rows.document(write, invoice, b"%PDF-1.7 receipt", "receipt", payment_id=payment.id)
    write.refresh(payment)
    payment.document_state = "ready"
    write.commit()
    link = html.page(browser.get(f"/invoices/{invoice.id}")).one(id="papers").one("a")
    assert browser.get(link["href"]).data == b"%PDF-1.7 receipt"


def test_the_page_says_what_an_e_invoice_lacks_and_who_can_add_it(
    browser: Browser, person: Person, write: Session
) -> None:
    invoice = rows.invoice(write, person.tenant_id, "PLAIN-1")
    rows.document(write, invoice).snapshot = {"e_invoice": "", "e_invoice_missing": ["issuer.tax_id", "customer.line1"]}
    write.commit()
    said = html.page(browser.get(f"/invoices/{invoice.id}")).one(id="e-invoice").text
    assert "Your billing details lacked: street. Owners of your organisation can add it" in said
    assert "The issuer's details lacked: tax ID. The issuer's staff can add it" in said
    assert browser.get(f"/invoices/{invoice.id}/e-invoice.xml").status_code == 404
