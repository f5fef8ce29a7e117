"""A small invoice that belongs to nobody: it warms the renderer and answers whether PDFs work."""

import datetime as dt
from decimal import Decimal

from portal.invoicing.pdf.document import InvoiceDocument, Line, Party

SPECIMEN = InvoiceDocument(
    document_id="specimen",
    number="SPECIMEN",
    status="open",
    issuer=Party(name="Specimen"),
    customer=Party(name="Specimen"),
    currency="usd",
    lines=(Line(description="Specimen", amount_minor=100, quantity=Decimal(1), unit_amount_minor=100),),
    subtotal_minor=100,
    total_minor=100,
    amount_paid_minor=0,
    amount_due_minor=100,
    issued_on=dt.date(2026, 1, 1),
)
