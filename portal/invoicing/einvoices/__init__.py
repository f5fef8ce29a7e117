"""E-invoices by EN 16931: what an issued document lacks for one, its XML as CII and UBL, and the rules it must pass.

::

    lacking = missing(document)          # names of fields; () when it can be an e-invoice
    xml = cii(document)                  # goes into the PDF (Factur-X, ZUGFeRD)
    failures(xml, CII)                   # what the rules of EN 16931 say; slow, for workers only
    ubl(document)                        # the same as UBL, by Peppol BIS Billing 3
"""

from portal.invoicing.einvoices.files import NotExpressible, cii, ubl
from portal.invoicing.einvoices.missing import is_reverse_charge, missing
from portal.invoicing.einvoices.rules import CII, UBL, failures

__all__ = ["CII", "UBL", "NotExpressible", "cii", "failures", "is_reverse_charge", "missing", "ubl"]
