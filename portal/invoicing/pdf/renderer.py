"""A frozen invoice to PDF bytes: pure, without network, without files beyond the portal's own.

Runs in the child process of ``pool`` only: importing this module loads Pango and 50 MB of Python.
"""

import hashlib
import json
import re
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from portal import formats
from portal.catalogues import catalogue
from portal.invoicing.pdf.document import InvoiceDocument
from portal.invoicing.pdf.page import PrintedPage

_ROOT = Path(__file__).resolve().parents[3]
_FONTS = _ROOT / "static" / "fonts" / "ibm-plex-sans"
_TEMPLATES = _ROOT / "templates"
BASE_URL = "asset:document"

# Bidirectional overrides can show "evil" as "live" and turn the digits around them; control characters
# are not text. Neither belongs on an invoice, so they are dropped wherever text enters the page.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")


class _AssetsOnly(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Serves the bundled fonts from memory and ends the rendering for every other address.

    The error is the fatal one: WeasyPrint swallows all others and would print the page without a word.
    """

    def __init__(self) -> None:
        super().__init__(allowed_protocols=())
        self._assets = {
            "asset:fonts/regular": (_FONTS / "IBMPlexSans-Regular.woff2").read_bytes(),
            "asset:fonts/semibold": (_FONTS / "IBMPlexSans-SemiBold.woff2").read_bytes(),
        }

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:  # noqa: ARG002 - the library's signature
        if url not in self._assets:
            raise FatalURLFetchingError("a document may fetch nothing but its own fonts")
        return URLFetcherResponse(url, self._assets[url], {"Content-Type": "font/woff2"})


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
    """Return the invoice as a tagged PDF/UA-1 file. The same document gives the same bytes."""
    fetcher, fonts, stylesheet = assets()
    html = HTML(string=invoice_html(document), base_url=BASE_URL, url_fetcher=fetcher)
    pdf: bytes = html.write_pdf(
        stylesheets=[stylesheet],
        font_config=fonts,
        pdf_variant="pdf/ua-1",
        pdf_identifier=_identifier(document),
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
            page_number=Markup('<span class="page"></span>'),
            page_count=Markup('<span class="pages"></span>'),
        )
    )


@lru_cache(maxsize=2)
def assets(stylesheet: str = "invoice.css") -> tuple[_AssetsOnly, FontConfiguration, CSS]:
    """Read once and shared by all documents: parsing the fonts and the stylesheet costs 20 ms each time."""
    fetcher, fonts = _AssetsOnly(), FontConfiguration()
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
