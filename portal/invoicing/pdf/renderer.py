"""A frozen invoice to PDF bytes: pure, without network, without files beyond the portal's own.

Runs in the child process of ``pool`` only: importing this module loads Pango and 50 MB of Python.
"""

import base64
import hashlib
import io
import json
import re
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import segno
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from portal import formats
from portal.catalogues import catalogue
from portal.invoicing.pdf.document import InvoiceDocument
from portal.invoicing.pdf.hybrid import options
from portal.invoicing.pdf.page import PrintedPage

_ROOT = Path(__file__).resolve().parents[3]
_FONTS = _ROOT / "static" / "fonts" / "ibm-plex-sans"
_TEMPLATES = _ROOT / "templates"
BASE_URL = "asset:document"
_LONGEST_CODE = 200  # bytes of an address

# Bidirectional overrides can show "evil" as "live" and turn the digits around them; control characters
# are not text. Neither belongs on an invoice, so they are dropped wherever text enters the page.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")


class Assets(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Serves fonts, or what a document brings along, from memory and ends the rendering for every other address.

    ``assets``: content and media type by address.

    The error is the fatal one: WeasyPrint swallows all others and would print the page without a word.
    """

    def __init__(self, assets: dict[str, tuple[bytes, str]]) -> None:
        super().__init__(allowed_protocols=())
        self._assets = assets

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:  # noqa: ARG002 - the library's signature
        if url not in self._assets:
            raise FatalURLFetchingError("a document may fetch nothing but what it brings along")
        content, media_type = self._assets[url]
        return URLFetcherResponse(url, content, {"Content-Type": media_type})


def render(document: InvoiceDocument | PrintedPage) -> bytes:
    """Return either as PDF bytes."""
    return render_page(document) if isinstance(document, PrintedPage) else render_invoice(document)


def render_page(page: PrintedPage) -> bytes:
    """Return a page as a tagged PDF/UA-1 file. The same page gives the same bytes."""
    fetcher, fonts, stylesheet = assets("report.css")
    text = _UNSHOWABLE.sub("", page.html)
    html = HTML(string=text, base_url=BASE_URL, url_fetcher=fetcher)
    identifier = hashlib.sha256(text.encode()).digest()[:16]
    pdf: bytes = html.write_pdf(
        stylesheets=[stylesheet], font_config=fonts, pdf_variant="pdf/ua-1", pdf_identifier=identifier
    )
    return pdf


def render_invoice(document: InvoiceDocument) -> bytes:
    """Return the invoice, credit note or receipt as a tagged file: PDF/A-3 with an e-invoice, else PDF/UA-1.

    The same document gives the same bytes.
    """
    _fetcher, fonts, stylesheet = assets()
    html = HTML(string=invoice_html(document), base_url=BASE_URL, url_fetcher=Assets(pictures_of(document)))
    pdf: bytes = html.write_pdf(
        stylesheets=[stylesheet],
        font_config=fonts,
        pdf_identifier=_identifier(document),
        **options(document),
    )
    return pdf


def invoice_html(document: InvoiceDocument) -> str:
    """Return the page that is rendered: every text escaped, every amount already in words."""
    locale = document.format_locale
    money = partial(formats.money, currency=document.currency, locale=locale)
    return (
        _environment(document.language)
        .get_template("documents/invoice.html")
        .render(
            document=document,
            money=money,
            amount_with_code=lambda amount: _with_code(money(amount), document.currency),
            unit_price=partial(formats.unit_price, currency=document.currency, locale=locale),
            number=partial(formats.number, locale=locale),
            percent=partial(formats.percent, locale=locale),
            date=partial(formats.date, locale=locale),
            period=lambda start, end: _period(start, end, locale),
            has_code=_has_code(document),
            page_number=Markup('<span class="page"></span>'),
            page_count=Markup('<span class="pages"></span>'),
        )
    )


@lru_cache(maxsize=2)
def assets(stylesheet: str = "invoice.css") -> tuple[Assets, FontConfiguration, CSS]:
    """Read once and shared by all documents: parsing the fonts and the stylesheet costs 20 ms each time."""
    files = {"regular": "IBMPlexSans-Regular.woff2", "semibold": "IBMPlexSans-SemiBold.woff2"}
    served = {f"asset:fonts/{name}": ((_FONTS / file).read_bytes(), "font/woff2") for name, file in files.items()}
    fetcher, fonts = Assets(served), FontConfiguration()
    text = (_TEMPLATES / "documents" / stylesheet).read_text("utf-8")
    return fetcher, fonts, CSS(string=text, base_url=BASE_URL, url_fetcher=fetcher, font_config=fonts)


@lru_cache(maxsize=8)
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        finalize=_showable,
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]  # added by the extension
    return environment


def pictures_of(document: InvoiceDocument) -> dict[str, tuple[bytes, str]]:
    """The logo and the code to pay, by the addresses that the page has for them."""
    found = {}
    if document.branding.logo:
        logo = base64.b64decode(document.branding.logo)
        found["asset:logo"] = (logo, "image/png" if logo.startswith(b"\x89PNG") else "image/jpeg")
    if _has_code(document):
        # Readers take any of the eight masks; to weigh them all would cost a twentieth of the document.
        code = segno.make(document.portal_url, error="m", micro=False, mask=2)
        drawn = io.BytesIO()
        code.save(drawn, kind="svg", border=0, xmldecl=False, dark="#1a2230")
        found["asset:code"] = (drawn.getvalue(), "image/svg+xml")
    return found


def _has_code(document: InvoiceDocument) -> bool:
    """Whether it can be paid by a phone's camera; of a very long address no camera can read the code."""
    return document.amount_due_minor > 0 and 0 < len(document.portal_url.encode()) <= _LONGEST_CODE


def _showable(value: Any) -> Any:
    if value is None:
        return ""
    return type(value)(_UNSHOWABLE.sub("", value)) if isinstance(value, str) else value


def _with_code(amount: str, currency: str) -> Markup:
    """The amount with its ISO code beside it: "$" alone may be anyone's dollar or peso."""
    code = currency.upper()
    if code in amount:
        return escape(amount)
    return Markup('{}\u00a0<span class="code">{}</span>').format(amount, code)


def _period(start: Any, end: Any, locale: str) -> str:
    days = [formats.date(day, locale, "medium") for day in (start, end) if day]
    return " – ".join(dict.fromkeys(days))


def _identifier(document: InvoiceDocument) -> bytes:
    snapshot = json.dumps(document.to_json(), sort_keys=True).encode()
    return hashlib.sha256(snapshot).digest()[:16]
