"""E-invoices as files: CII for the hybrid PDF, UBL for networks. Both are checked against their XML schema."""

import re
from typing import Any

from portal.invoicing.einvoices.endpoints import goes_by_peppol
from portal.invoicing.einvoices.terms import terms
from portal.invoicing.pdf.document import InvoiceDocument

_PEPPOL = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
_BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EN16931 = b"urn:cen.eu:en16931:2017<"


class NotExpressible(ValueError):
    """The document cannot be said in this format; the message says why."""


def cii(document: InvoiceDocument) -> bytes:
    """The XML that goes into the PDF. The same document gives the same bytes.

    Raises :class:`NotExpressible`.
    """
    return _made(terms(document), "factur-x")


def ubl(document: InvoiceDocument) -> bytes:
    """The UBL invoice or credit note, by Peppol BIS Billing 3 where both sides have an address there.

    Raises :class:`NotExpressible`.
    """
    if not goes_by_peppol(document):
        return _made(terms(document), "ubl-2.1")
    made = _made({**terms(document), "BT-23": _BILLING}, "ubl-2.1")
    return made.replace(_EN16931, _PEPPOL.encode() + b"<", 1)


def _made(said: dict[str, Any], flavor: str) -> bytes:
    from facturx import generate_xml  # half a second and 75 MB, which most web processes never need

    try:
        # Its own check of the rules says yes when no server is there to ask: ours is in rules.py.
        made: bytes = generate_xml(_clean(said), flavor=flavor, level="en16931", check_xsd=True, check_schematron=False)
    except Exception as error:  # the library raises nothing more exact, also for what the schema refuses
        raise NotExpressible(str(error)[:500]) from error
    return made


def _clean(said: Any) -> Any:
    """Without the characters that XML cannot hold."""
    if isinstance(said, dict):
        return {key: _clean(value) for key, value in said.items()}
    if isinstance(said, list):
        return [_clean(value) for value in said]
    return _NOT_XML.sub("", said) if isinstance(said, str) else said
