"""A PDF with its e-invoice: PDF/A-3 that names and holds the file, the same bytes each time."""

import io
from dataclasses import replace

import pikepdf
import pytest

from portal.invoicing.einvoices import cii
from tests.invoicing.einvoices.test_rules import BUYER, SELLER
from tests.invoicing.pdf.samples import ONE_LINE, OPEN_WITH_TAX

renderer = pytest.importorskip("portal.invoicing.pdf.renderer", exc_type=OSError, reason="WeasyPrint needs Pango")


def hybrid(sample=OPEN_WITH_TAX):
    document = replace(sample, issuer=SELLER, customer=BUYER)
    return replace(document, e_invoice=cii(document).decode())


def test_two_renderings_are_the_same_bytes():
    assert renderer.render_invoice(hybrid()) == renderer.render_invoice(hybrid())


def test_the_file_is_attached_as_the_other_form_of_the_invoice():
    document = hybrid()
    with pikepdf.open(io.BytesIO(renderer.render_invoice(document))) as pdf:
        names = {str(entry.UF) for entry in pdf.Root.AF}
        assert names == {"factur-x.xml"}
        entry = pdf.Root.AF[0]
        assert entry.AFRelationship == "/Alternative"
        assert entry.EF.F.read_bytes() == document.e_invoice.encode()
        assert list(pdf.attachments) == ["factur-x.xml"]


def test_it_is_pdf_a_3_and_says_what_it_holds():
    with pikepdf.open(io.BytesIO(renderer.render_invoice(hybrid()))) as pdf:
        xmp = pdf.open_metadata()
        assert (xmp["pdfaid:part"], xmp["pdfaid:conformance"]) == ("3", "A")
        said = pdf.Root.Metadata.read_bytes()
        for part in (
            b"<fx:ConformanceLevel>EN 16931<",
            b"<fx:DocumentFileName>factur-x.xml<",
            b"<fx:DocumentType>INVOICE<",
        ):
            assert part in said
        assert said.count(b"<?xml ") == 0
        assert len(pdf.trailer.ID) == 2
        assert pdf.Root.OutputIntents[0].S == "/GTS_PDFA1"
        assert pdf.Root.MarkInfo.Marked
        fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
        descriptors = [font.DescendantFonts[0].FontDescriptor for font in fonts]
        assert all("/FontFile2" in found or "/FontFile3" in found for found in descriptors)


def test_without_an_e_invoice_it_is_pdf_ua():
    with pikepdf.open(io.BytesIO(renderer.render_invoice(ONE_LINE))) as pdf:
        assert "/AF" not in pdf.Root
        assert b"pdfuaid" in pdf.Root.Metadata.read_bytes()
