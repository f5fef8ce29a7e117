"""What makes a PDF a hybrid e-invoice: the XML attached as its other form, and said so in the metadata."""

import datetime as dt
import io
from typing import Any

from weasyprint import Attachment

from portal.invoicing.pdf.document import InvoiceDocument

FILE_NAME = "factur-x.xml"
_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_SAID = {
    "DocumentFileName": (FILE_NAME, "The name of the embedded XML document"),
    "DocumentType": ("INVOICE", "The type of the hybrid document in capital letters"),
    "Version": ("1.0", "The version of the standard that applies to the embedded XML document"),
    "ConformanceLevel": ("EN 16931", "The conformance level of the embedded XML document"),
}


def options(document: InvoiceDocument) -> dict[str, Any]:
    """The options of WeasyPrint's ``write_pdf`` that depend on whether the document has an e-invoice.

    PDF/A-3 may carry files and PDF/UA may not be claimed beside it: the library writes one variant per file.
    """
    if not document.e_invoice:
        return {"pdf_variant": "pdf/ua-1"}
    day = dt.datetime.combine(document.issued_on, dt.time(), dt.UTC)
    attached = Attachment(
        string=document.e_invoice,
        name=FILE_NAME,
        description="EN 16931",
        relationship="Alternative",
        created=day,
        modified=day,
    )
    return {"pdf_variant": "pdf/a-3a", "attachments": [attached], "xmp_metadata": [io.BytesIO(_metadata())]}


def _metadata() -> bytes:
    """RDF without an XML declaration: it stands in the middle of the file's own."""
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in _SAID.items())
    properties = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        f"<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
        for name, (_, description) in _SAID.items()
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">{values}</rdf:Description>'
        '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><pdfaExtension:schemas><rdf:Bag>'
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"
        "</rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF>"
    ).encode()
