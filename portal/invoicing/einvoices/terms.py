"""An issued document in the terms of EN 16931 (BT and BG numbers), as factur-x takes them."""

from decimal import Decimal
from typing import Any

from portal.invoicing.einvoices.endpoints import endpoint_of
from portal.invoicing.einvoices.missing import is_reverse_charge, net_minor, rate_of, vat_country
from portal.invoicing.pdf.document import InvoiceDocument, Line, Party
from portal.money import exponent

_INVOICE, _CREDIT_NOTE = "380", "381"
_PIECE = "C62"
# Why there is no tax: the code lists' own words for the recipient's tax, and ours for all else.
_REVERSE = {"BT-120": "Reverse charge", "BT-121": "VATEX-EU-AE"}
_NO_TAX = {"BT-120": "No tax is charged"}


def terms(document: InvoiceDocument) -> dict[str, Any]:
    """The document, which lacks nothing (:func:`portal.invoicing.einvoices.missing`), for ``facturx.generate_xml``."""
    tax = sum(entry.amount_minor for entry in document.taxes)
    is_note = document.kind == "credit_note"
    paid = 0 if is_note else document.total_minor - document.amount_due_minor
    said: dict[str, Any] = {
        "BT-1": document.number,
        "BT-2": document.issued_on,
        "BT-3": _CREDIT_NOTE if is_note else _INVOICE,
        "BT-5": document.currency.upper(),
        "BT-72": document.period_end or document.issued_on,
        # A buyer that wants a reference of its own gives it as its order's; Peppol wants one or the other.
        "BT-10": document.purchase_order or document.number,
        "BG-4": _party(document.issuer),
        "BG-7": _party(document.customer),
        "BG-23": _breakdown(document),
        "BG-25": [_line(document, line, at) for at, line in enumerate(document.lines, 1)],
        "BT-106": _amount(document, document.total_minor - tax),
        "BT-109": _amount(document, document.total_minor - tax),
        "BT-110": _amount(document, tax),
        "BT-112": _amount(document, document.total_minor),
        "BT-113": _amount(document, paid),
        "BT-115": _amount(document, document.total_minor - paid),
    }
    if document.purchase_order:
        said["BT-13"] = document.purchase_order
    if is_note:
        said["BG-3"] = [{"BT-25": document.about}]
    if document.due_on and not is_note:
        said["BT-9"] = document.due_on
    else:
        said["BT-20"] = "Due on receipt"
    return said


def _party(party: Party) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": party.name,
        "addr_l1": party.line1,
        "city": party.city,
        "postcode": party.postal_code,
        "country_code": party.country,
    }
    if vat_country(party):
        said["vat_identifier"] = party.tax_id
    elif party.tax_id:
        said |= {"tax_identifier": party.tax_id, "legal_identifier": party.tax_id}
    if (endpoint := endpoint_of(party)) is not None:
        said |= {"einvoicing_addr": endpoint[1], "einvoicing_addr_schemeid": endpoint[0]}
    elif party.email:
        said |= {"einvoicing_addr": party.email, "einvoicing_addr_schemeid": "EM"}
    return said


def _breakdown(document: InvoiceDocument) -> list[dict[str, Any]]:
    rows = [
        {
            "BT-116": _amount(document, entry.taxable_minor or 0),
            "BT-117": _amount(document, entry.amount_minor),
            "BT-118": "S" if entry.rate else "Z",
            "BT-119": _percent(entry.rate),
        }
        for entry in document.taxes
    ]
    untaxed = [line for line in document.lines if rate_of(line) is None]
    if untaxed:
        category, reason = _untaxed(document)
        net = _amount(document, sum(net_minor(line) for line in untaxed))
        nothing = _amount(document, 0)
        rows.append({"BT-116": net, "BT-117": nothing, "BT-118": category, "BT-119": "0", **reason})
    return rows


def _line(document: InvoiceDocument, line: Line, at: int) -> dict[str, Any]:
    """One piece at the line's own net amount: a price per unit would not give it back for tiers and prorations."""
    net, rate = net_minor(line), rate_of(line)
    said: dict[str, Any] = {
        "BT-126": str(at),
        "BT-153": line.description.strip() or document.number,
        "BT-129": "-1" if net < 0 else "1",
        "BT-130": _PIECE,
        "BT-131": _amount(document, net),
        "BT-146": _amount(document, abs(net)),
        "BT-151": _untaxed(document)[0] if rate is None else "S" if rate else "Z",
        "BT-152": _percent(rate or Decimal(0)),
    }
    if line.detail:
        said["BT-154"] = line.detail
    if line.period_start and line.period_end and line.period_start <= line.period_end:
        said |= {"BT-134": line.period_start, "BT-135": line.period_end}
    return said


def _untaxed(document: InvoiceDocument) -> tuple[str, dict[str, str]]:
    if document.exemption:
        return "E", {"BT-120": document.exemption}
    return ("AE", _REVERSE) if document.reverse_charge or is_reverse_charge(document) else ("E", _NO_TAX)


def _amount(document: InvoiceDocument, minor: int) -> str:
    places = exponent(document.currency)
    return str((Decimal(minor) / 10**places).quantize(Decimal(1).scaleb(-places)))


def _percent(rate: Decimal) -> str:
    return format(rate.normalize() if rate else Decimal(0), "f")
