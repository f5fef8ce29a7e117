"""What is in the file: right texts in every language, tags, fonts, and nothing fetched."""

import datetime as dt
import io
import re
import sys
from dataclasses import replace
from decimal import Decimal
from functools import cache

import pypdf
import pytest

from portal.catalogues import catalogue
from portal.config import LANGUAGES
from portal.invoicing.pdf import InvalidDocument
from portal.invoicing.pdf.document import Branding, InvoiceDocument, Settlement, UsageDay, Used
from tests.invoicing.pdf.samples import HOSTILE, HOSTILE_TEXT, ONE_LINE, OPEN_WITH_TAX, SAMPLES

renderer = pytest.importorskip("portal.invoicing.pdf.renderer", exc_type=OSError, reason="WeasyPrint needs Pango")


@cache
def rendered(document: InvoiceDocument) -> bytes:
    return renderer.render_invoice(document)


def reader(document: InvoiceDocument) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(rendered(document)))


def pages(document: InvoiceDocument) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader(document).pages]


def text(document: InvoiceDocument) -> str:
    return " ".join(pages(document))


def said(document: InvoiceDocument, message: str) -> str:
    return str(catalogue(document.language).gettext(message))


def test_each_language_says_it_its_own_way() -> None:
    assert {catalogue(language).gettext("Invoice") for language in LANGUAGES} == {"Invoice", "Factura", "Fatura"}


@pytest.mark.parametrize(
    ("language", "locale", "amounts"),
    [
        ("en", "en_US", ["€527.46", "€0.00025", "−€59.80", "49,360", "€85.92", "21%", "December 1, 2026"]),
        (
            "es",
            "es_ES",
            ["527,46 €", "0,00025 €", "−59,80 €", "49.360", "85,92 €", "21 %", "1 de diciembre de 2026"],
        ),
        (
            "pt_BR",
            "pt_BR",
            ["€ 527,46", "€ 0,00025", "−€ 59,80", "49.360", "€ 85,92", "1 de dezembro de 2026"],
        ),
        ("es", "es_MX", ["EUR 527.46", "EUR 0.00025", "−EUR 59.80", "49,360", "1 de diciembre de 2026"]),
        ("en", "xx_unknown", ["€527.46"]),
    ],
)
def test_numbers_and_labels_in_each_language(language, locale, amounts):
    document = replace(OPEN_WITH_TAX, language=language, format_locale=locale)
    content = text(document)
    assert [amount for amount in amounts if amount not in content] == []
    for label in ("Amount due", "Subtotal", "Tax summary", "Bill to", "Unit price"):
        assert said(document, label) in content
    assert reader(document).trailer["/Root"]["/Lang"] == language.replace("_", "-")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "one_line",
            ["$29.00 USD", "Visa •••• 4242", "Paid on November 1, 2026", "Nov 1, 2026 – Dec 1, 2026"],
        ),
        ("credits", ["−$149.50", "$14.50", "−$135.00", "Nothing to pay", "Moved to credit balance"]),
        (
            "part_credit",
            ["Credit balance applied −$25.00", "Amount paid −$4.00", "Credit balance left $25.00"],
        ),
        ("zero", ["$0.00", "Nothing to pay"]),
        ("yen", ["¥2,900", "included in the prices", "¥264"]),
        ("dinar", ["KWD 134,413,579.150", "8.875%", "KWD 10,956,790.030"]),
    ],
)
def test_cases_that_go_wrong_elsewhere(name, expected):
    content = text(SAMPLES[name])
    assert [part for part in expected if part not in content] == []


def test_two_hundred_lines_keep_their_head_and_count_their_pages():
    all_pages = pages(SAMPLES["many_lines"])
    content = " ".join(all_pages)
    assert all(f"Worker {at:03d}" in content for at in range(1, 201))
    for at, page in enumerate(all_pages, 1):
        assert f"Page {at} of {len(all_pages)}" in page
        assert "Invoice NEO-0005" in page or at == 1
        assert "Unit price" in page or "Worker" not in page
    [totals] = [page for page in all_pages if "Subtotal" in page]
    assert "€8,998.77" in totals
    assert "Worker 200" in totals


def places_of_text(page: pypdf.PageObject) -> list[tuple[float, float]]:
    places: list[tuple[float, float]] = []

    def visit(found: str, cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        if found.strip():  # pictures are visited, too, in coordinates of their own
            places.append((tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]))

    page.extract_text(visitor_text=visit)
    return places


@pytest.mark.parametrize("name", ["long_texts", "huge_text", "hostile"])
def test_long_texts_stay_inside_the_page(name):
    for page in reader(SAMPLES[name]).pages:
        width, height = float(page.mediabox.width), float(page.mediabox.height)
        for x, y in places_of_text(page):
            assert 0 <= x <= width
            assert 0 <= y <= height
    assert "Unit price" in pages(SAMPLES[name])[1]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_tagged_and_carries_its_fonts(name):
    pdf = reader(SAMPLES[name])
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/StructTreeRoot"]["/K"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid" in root["/Metadata"].get_data()
    for page in pdf.pages:
        for font in page["/Resources"]["/Font"].values():
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(descriptor), f"{descriptor['/FontName']} is not embedded"


def test_tables_are_tagged_with_heads_for_rows_and_columns():
    found: set[str] = set()

    def walk(node: object) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        for kid in node if isinstance(node, list) else [node]:
            if isinstance(kid, dict):
                found.add(str(kid.get("/S")))
                walk(kid.get("/K", []))
            elif hasattr(kid, "get_object") and kid.get_object() is not kid:
                walk(kid)

    walk(reader(ONE_LINE).trailer["/Root"]["/StructTreeRoot"]["/K"])
    assert {"/Document", "/H1", "/H2", "/Table", "/THead", "/TR", "/TH", "/TD", "/P", "/Link"} <= found


def test_metadata_comes_from_the_invoice_not_from_the_clock():
    info = reader(ONE_LINE).metadata
    assert info.title == "Invoice NEO-0001 – NEO Stack Platform, S.L."
    assert info.author == "NEO Stack Platform, S.L."
    assert info.creation_date.date() == info.modification_date.date() == ONE_LINE.issued_on


@pytest.mark.parametrize("name", SAMPLES)
def test_rendering_again_gives_the_same_bytes(name):
    assert renderer.render_invoice(SAMPLES[name]) == rendered(SAMPLES[name])


def test_different_documents_have_different_identifiers():
    ids = {reader(SAMPLES[name]).trailer["/ID"][0].original_bytes for name in SAMPLES}
    assert len(ids) == len(SAMPLES)


def test_hostile_texts_are_printed_not_obeyed():
    content = text(HOSTILE)
    assert "<script>alert(1)</script>" in content
    assert "{{ 7*7 }}" in content
    assert "€527.46" in content
    pdf = reader(HOSTILE)
    assert not pdf.attachments
    assert "/JavaScript" not in pdf.trailer["/Root"].get("/Names", {})
    assert "/OpenAction" not in pdf.trailer["/Root"]
    links = [note.get_object()["/A"]["/URI"] for page in pdf.pages for note in page.get("/Annots", [])]
    assert [link.split("/")[2] for link in links] == ["billing.example"]


def test_a_script_that_no_installed_font_covers_does_not_stop_the_invoice():
    document = replace(ONE_LINE, customer=replace(ONE_LINE.customer, name="株式会社アクメ 𒀀𒁀"))
    assert len(reader(document).pages) == 1


def test_hostile_texts_never_become_markup():
    html = renderer.invoice_html(HOSTILE)
    assert "<script" not in html
    assert html.count("<img") == html.count('<img class="code-to-pay" src="asset:code"') == 1
    assert html.count("<style") == html.count("<link") == 0
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x07]", html)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "https://example.com/x.png",
        "data:text/plain,x",
        "asset:other",
    ],
)
def test_the_fetcher_ends_the_rendering_for_every_other_address(url):
    with pytest.raises(BaseException, match="nothing but what it brings along") as caught:
        renderer.HTML(string=f'<img src="{url}">', url_fetcher=renderer.Assets({})).write_pdf()
    assert type(caught.value).__name__ == "FatalURLFetchingError"


def test_rendering_opens_no_file_and_no_connection():
    events: list[tuple[str, object]] = []
    listening = True

    def listen(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event in ("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
            events.append((event, arguments[0]))

    rendered(HOSTILE)
    sys.addaudithook(listen)
    renderer.render_invoice(HOSTILE)
    listening = False
    assert events == []


def test_hostile_sample_really_holds_the_dangerous_texts():
    for danger in ("file:///etc/passwd", "<script>", "169.254.169.254", "\u202e", "\x00"):
        assert danger in HOSTILE_TEXT


PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGPgzvMHAAGBAPyDtnJsAAAAAElFTkSuQmCC"  # one green pixel
)


def test_logo_colour_and_texts_of_the_issuer():
    branding = Branding(logo=PIXEL, accent="#0b6e4f")
    document = replace(ONE_LINE, branding=branding, legal="Terms of the law.", reverse_charge=True)
    [page] = reader(document).pages
    assert len(page.images) == 1
    assert "--accent: #0b6e4f" in renderer.invoice_html(document)
    for part in ("Terms of the law.", "Reverse charge: the recipient owes the tax."):
        assert part in text(document)


def test_a_code_to_pay_is_there_while_something_is_due():
    assert "asset:code" in renderer.invoice_html(OPEN_WITH_TAX)
    assert "asset:code" not in renderer.invoice_html(ONE_LINE)
    assert "asset:code" not in renderer.invoice_html(SAMPLES["long_texts"]), "no camera reads such a long address"


@pytest.mark.parametrize("accent", ["red", "#fff", "#000000;}*{display:none}", "#GGGGGG"])
def test_a_colour_is_a_colour(accent):
    with pytest.raises(InvalidDocument):
        replace(ONE_LINE, branding=Branding(accent=accent))


def test_credit_notes_and_receipts_have_heads_of_their_own():
    note = replace(
        ONE_LINE,
        kind="credit_note",
        status="issued",
        about="NEO-0001",
        number="NEO-0001-CN-01",
        settlements=(Settlement(way="refunded", amount_minor=2000), Settlement(way="balance", amount_minor=900)),
        payments=(),
    )
    for part in ("Credit note", "For invoice NEO-0001", "Total credit", "Back to the payment method $20.00"):
        assert part in text(note)
    assert "Amount due" not in text(note)
    receipt = replace(ONE_LINE, kind="receipt", about="NEO-0001", lines=())
    for part in ("Receipt", "Amount paid", "$29.00", "Visa •••• 4242"):
        assert part in text(receipt)


def test_usage_that_is_charged_for_is_told_day_by_day():
    days = tuple(UsageDay(day=dt.date(2026, 11, day), quantity=Decimal(day * 1000)) for day in range(1, 31))
    used = Used(name="API calls", quantity=Decimal(465000), included=Decimal(10000), beyond=Decimal(455000), days=days)
    content = text(replace(ONE_LINE, usage=(used, replace(used, name="Seats", included=None))))
    for part in ("Usage: API calls", "465,000 used · 10,000 included · 455,000 beyond that", "Usage: Seats", "30,000"):
        assert part in content
