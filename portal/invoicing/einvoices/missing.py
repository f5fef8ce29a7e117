"""What an issued document lacks to be an e-invoice by EN 16931."""

import re
from decimal import Decimal
from itertools import groupby

from portal.invoicing.pdf.document import InvoiceDocument, Line, Party
from portal.money import exponent

# What their VAT numbers begin with: Greece's with EL, Northern Ireland's with XI.
_EU = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE"),
        *("IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI"),
    )
)
_COUNTRY = re.compile("[A-Z]{2}")
_ADDRESS = ("line1", "city", "postal_code", "country")


def missing(document: InvoiceDocument) -> tuple[str, ...]:
    """The fields that are missing or cannot be said, "issuer.country" for one; none: it can be an e-invoice.

    "currency": it has more decimals than EN 16931 knows; "taxes": more than one on a line, or one whose share of the
    lines is not known; "figures": the lines do not add up to the totals in its way.
    """
    found = [
        f"issuer.{name}"
        for name in ("line1", "city", "postal_code", "country", "tax_id")
        if _lacks(document.issuer, name)
    ]
    found += [
        f"customer.{name}" for name in ("line1", "city", "postal_code", "country") if _lacks(document.customer, name)
    ]
    if exponent(document.currency) > 2:
        found.append("currency")
    listed = {tax.rate for tax in document.taxes}
    if any(len(line.tax_rates) > 1 for line in document.lines) or _rates(document) != listed:
        found.append("taxes")
    elif not _adds_up(document):
        found.append("figures")
    return tuple(found)


def net_minor(line: Line) -> int:
    """What a line comes to without tax, after discounts."""
    return line.amount_minor - line.discount_minor - line.inclusive_tax_minor


def rate_of(line: Line) -> Decimal | None:
    """The line's one rate; ``None``: no tax was worked out."""
    return line.tax_rates[0] if line.tax_rates else None


def _rates(document: InvoiceDocument) -> set[Decimal]:
    return {rate for line in document.lines for rate in line.tax_rates}


def is_reverse_charge(document: InvoiceDocument) -> bool:
    """No tax, between two tax ids of different countries of the European Union: the recipient owes it."""
    issuer, customer = document.issuer, document.customer
    sides = {vat_country(issuer), vat_country(customer)}
    return not any(tax.amount_minor for tax in document.taxes) and len(sides) == 2 and sides <= _EU


def vat_country(party: Party) -> str:
    """The country that a VAT number begins with; "" for other tax ids."""
    return party.tax_id[:2] if party.tax_id[:2] in _EU else ""


def _lacks(party: Party, name: str) -> bool:
    value = getattr(party, name)
    return not _COUNTRY.fullmatch(value) if name == "country" else not value.strip()


def _adds_up(document: InvoiceDocument) -> bool:
    net = sum(net_minor(line) for line in document.lines)
    taxed = {
        rate: sum(net_minor(line) for line in lines)
        for rate, lines in groupby(sorted(document.lines, key=_order), key=rate_of)
    }
    tax = sum(entry.amount_minor for entry in document.taxes)
    said = {entry.rate: entry.taxable_minor for entry in document.taxes}
    return (
        bool(document.lines)
        and net + tax == document.total_minor
        and len(said) == len(document.taxes)
        and all(taxed[rate] == amount for rate, amount in said.items())
    )


def _order(line: Line) -> Decimal:
    rate = rate_of(line)
    return Decimal(-1) if rate is None else rate
