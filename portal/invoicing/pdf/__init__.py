"""Invoices as PDF files: a frozen document in, tagged PDF/UA-1 bytes out, made in a process apart.

::

    pdf_process = PdfProcess()                   # one per web or worker process; starts nothing yet
    rendered = pdf_process.render(document)      # InvoiceDocument → RenderedPdf(content, sha256)
    snapshot = document.to_json()                # stored beside the bytes; InvoiceDocument.from_json reads it
    pdf_process.close()

``render`` raises a PdfError: PdfTimeout (over 10 s), PdfFailed (refused, over 512 MB, crashed) or
PdfUnavailable (``PORTAL_PDF=off``, no Pango). ``selfcheck`` is for health pages and the doctor.
Importing this package does not import WeasyPrint: only the child process does.
"""

from portal.invoicing.pdf.document import Discount, InvoiceDocument, Line, Party, Payment, Tax
from portal.invoicing.pdf.failures import PdfError, PdfFailed, PdfTimeout, PdfUnavailable
from portal.invoicing.pdf.page import PrintedPage
from portal.invoicing.pdf.pool import PdfProcess, RenderedPdf, is_enabled
from portal.invoicing.pdf.selfchecks import Selfcheck, selfcheck
from portal.invoicing.pdf.snapshots import InvalidDocument

# Stored with every document: which templates made it. Raised when the template changes what it shows.
TEMPLATE_VERSION = "invoice-3"

__all__ = [
    "TEMPLATE_VERSION",
    "Discount",
    "InvalidDocument",
    "InvoiceDocument",
    "Line",
    "Party",
    "Payment",
    "PdfError",
    "PdfFailed",
    "PdfProcess",
    "PdfTimeout",
    "PdfUnavailable",
    "PrintedPage",
    "RenderedPdf",
    "Selfcheck",
    "Tax",
    "is_enabled",
    "selfcheck",
]
