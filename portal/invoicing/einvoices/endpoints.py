"""Where e-invoices go and come from: a participant's identifier with its scheme, as Peppol lists them (EAS).

Code list: https://docs.peppol.eu/poacc/billing/3.0/codelist/eas/
"""

from portal.invoicing.pdf.document import InvoiceDocument, Party

# The schemes of VAT numbers, by what the numbers begin with.
_OF_VAT_NUMBERS = {
    "AT": "9914", "BE": "9925", "BG": "9926", "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931", "EL": "9933",
    "ES": "9920", "FI": "0213", "FR": "9957", "GB": "9932", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211",
    "LT": "9937", "LU": "9938", "LV": "9939", "MT": "9943", "NL": "9944", "PL": "9945", "PT": "9946", "RO": "9947",
    "SI": "9949", "SK": "9950",
}  # fmt: skip


def endpoint_of(party: Party) -> tuple[str, str] | None:
    """Scheme and identifier: what was entered, else the VAT number; ``None`` for who can only be written to."""
    scheme, _, identifier = party.electronic_address.partition(":")
    if identifier:
        return scheme, identifier
    of_vat = _OF_VAT_NUMBERS.get(party.tax_id[:2])
    return (of_vat, party.tax_id) if of_vat else None


def goes_by_peppol(document: InvoiceDocument) -> bool:
    """Whether both sides have an address there."""
    return endpoint_of(document.issuer) is not None and endpoint_of(document.customer) is not None
