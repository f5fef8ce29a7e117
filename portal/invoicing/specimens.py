"""What the issuer's branding looks like before anybody gets it: a specimen invoice that is stored nowhere."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from flask import current_app

from portal.catalogues import catalogue
from portal.errors import Unavailable
from portal.invoicing import branding
from portal.invoicing.branding import Brand
from portal.invoicing.documents import pdf_process
from portal.invoicing.pdf import PdfError
from portal.invoicing.pdf.document import Line, Party, Tax
from portal.invoicing.pdf.specimen import SPECIMEN

_LOCALES = {"en": "en_US", "es": "es_ES", "pt_BR": "pt_BR"}


class PreviewNotMade(Unavailable):
    code = "preview_not_made"
    message = "The preview could not be made. Try again, or save without it."
    remedy = ""


def preview(brand: Brand, language: str) -> bytes:
    """The specimen as PDF, in one of the documents' languages (English for any other).

    Raises :class:`portal.invoicing.branding.BadBranding`, :class:`PreviewNotMade`.
    """
    branding.check(brand)
    language = language if language in _LOCALES else "en"
    word = catalogue(language).gettext("Specimen")
    lines = tuple(
        Line(description=f"{word} {at}", amount_minor=at * 1000, quantity=Decimal(at), unit_amount_minor=1000)
        for at in (1, 2, 3)
    )
    document = replace(
        SPECIMEN,
        number=word.upper(),
        issuer=brand.party(language),
        customer=Party(name=word),
        lines=lines,
        subtotal_minor=6000,
        taxes=(Tax(name="VAT", rate=Decimal(21), amount_minor=1260, taxable_minor=6000),),
        total_minor=7260,
        amount_due_minor=7260,
        due_on=SPECIMEN.issued_on + dt.timedelta(days=30),
        language=language,
        format_locale=_LOCALES[language],
        branding=brand.looks(),
        footer=brand.footer,
        legal=brand.legal.get(language, ""),
        portal_url=current_app.extensions["settings"].public_url,
    )
    try:
        return pdf_process().render(document).content
    except PdfError as error:
        raise PreviewNotMade from error
