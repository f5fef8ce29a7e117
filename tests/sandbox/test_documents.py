"""The PDF files of invoices and credit notes: what they say, in which language, and what happens without Pango."""

import io
from pathlib import Path
from typing import Any

import pypdf
import pytest
import requests

from .conftest import Sandbox, start
from .money import billed
from .shopping import text_of
from .support import customer_with_card
from .test_invoice_page import CARD, open_invoice, press


def fetched(url: str) -> requests.Response:
    return requests.get(url, timeout=60)


def words_of(url: str) -> str:
    """The text of a PDF file, its lines and spaces made one."""
    answer = fetched(url)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


@pytest.mark.usefixtures("pdf")
def test_an_open_invoice_and_the_same_one_paid(shared: Sandbox) -> None:
    v1 = shared.client.v1
    home: Any = {"line1": "12 St James's Square", "city": "London", "postal_code": "SW1Y 4JH", "country": "GB"}
    customer = v1.customers.create({"email": "ada@example.com", "name": "Ada <b>Lovelace</b>", "address": home})
    coupon = v1.coupons.create({"percent_off": 10, "name": "Autumn"})
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 21, "inclusive": False})
    invoice = open_invoice(shared, customer.id, discounts=[{"coupon": coupon.id}], default_tax_rates=[rate.id])
    assert invoice.invoice_pdf == f"{invoice.hosted_invoice_url}/pdf"
    shown = words_of(invoice.invoice_pdf)
    for words in (
        "TEST DOCUMENT", invoice.number, "Ada <b>Lovelace</b>", "12 St James's Square", "SW1Y 4JH London", "$31.58 due",
        "Pay online", "Autumn (10% off) −$2.90", "VAT (21%) $5.48", "Total $31.58", "Amount due $31.58", "1 / 1",
        "1 × Starter (at $29.00 / month)", "1 $29.00 21% $29.00",
    ):  # fmt: skip
        assert words in shown
    assert press(invoice, **CARD).status_code == 303
    paid = words_of(invoice.invoice_pdf)
    assert "$31.58 paid on" in paid
    assert "Paid with Visa ending in 4242" in paid
    assert "Amount paid −$31.58 Amount due $0.00" in paid
    assert "Pay online" not in paid


@pytest.mark.usefixtures("pdf")
def test_it_is_a_file_that_the_page_links_to(shared: Sandbox) -> None:
    customer, _ = customer_with_card(shared)
    invoice = open_invoice(shared, customer.id)
    page = fetched(invoice.hosted_invoice_url)
    assert "Download invoice" in text_of(page)
    assert f'href="/invoice/{invoice.id}/pdf"' in page.text
    file = fetched(invoice.invoice_pdf)
    assert file.headers["Content-Disposition"] == f"attachment; filename=Invoice-{invoice.number}.pdf"
    assert file.content.startswith(b"%PDF-")


@pytest.mark.usefixtures("pdf")
@pytest.mark.parametrize(
    ("locale", "words"), [("es", "Documento de prueba · Factura"), ("pt-BR", "Documento de teste · Fatura")]
)
def test_the_customers_language(shared: Sandbox, locale: str, words: str) -> None:
    customer = shared.client.v1.customers.create({"preferred_locales": [locale]})
    assert words in words_of(str(billed(shared, customer.id, 700).invoice_pdf))


@pytest.mark.usefixtures("pdf")
def test_what_the_seller_wrote_and_more_lines_than_a_page_holds(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({"name": "ö" * 200})
    sent: Any = {
        "collection_method": "send_invoice",
        "days_until_due": 5,
        "custom_fields": [{"name": "PO", "value": "7"}],
    }
    invoice = billed(shared, customer.id, *range(100, 150), **sent, currency="usd", description="Thanks", footer="Bye")
    shown = words_of(str(invoice.invoice_pdf))
    for words in ("PO 7", "Date due", "Thanks", "Bye", "Thing 50", "3 / 3"):
        assert words in shown
    v1.invoices.void_invoice(invoice.id)
    assert "This invoice was voided. There is nothing to pay." in words_of(str(invoice.invoice_pdf))


def test_a_draft_has_none(shared: Sandbox) -> None:
    v1 = shared.client.v1
    draft = v1.invoices.create({"customer": v1.customers.create({}).id, "currency": "usd"})
    assert draft.invoice_pdf is None
    assert fetched(f"{shared.url}/invoice/{draft.id}/pdf").status_code == 404
    assert fetched(f"{shared.url}/credit_note/cn_none/pdf").status_code == 404


@pytest.mark.usefixtures("pdf")
def test_a_credit_note(shared: Sandbox) -> None:
    v1 = shared.client.v1
    invoice = billed(shared, v1.customers.create({"name": "Ada"}).id, 1000)
    note = v1.credit_notes.create({"invoice": invoice.id, "amount": 300, "memo": "Sorry"})
    shown = words_of(note.pdf)
    for words in ("Credit note", note.number, f"For invoice {invoice.number}", "$3.00 credited", "Sorry", "Ada"):
        assert words in shown
    page = fetched(note.pdf.removesuffix("/pdf"))
    assert "Download credit note" in text_of(page)


def test_without_pango_a_page_says_so(tmp_path: Path) -> None:
    broken = "raise OSError(\"cannot load library 'libpango-1.0-0'\")"
    (tmp_path / "weasyprint.py").write_text(broken)
    running = start(PYTHONPATH=str(tmp_path))
    invoice = billed(running, running.client.v1.customers.create({}).id, 700)
    answer = fetched(str(invoice.invoice_pdf))
    assert (answer.status_code, "No PDF here" in text_of(answer)) == (503, True)
    assert fetched(str(invoice.hosted_invoice_url)).status_code == 200
    running.kill()
