"""The lines of a Stripe invoice, with the inputs that explain their amounts."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.ids import uuid7
from portal.models import Invoice, InvoiceLine

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import InvoiceLineItemListParams

PAGE = 100


def fetch_all(stripe_invoice_id: str) -> list[dict[str, Any]]:
    """All lines of an invoice, in Stripe's order, a hundred a call."""
    lines: list[dict[str, Any]] = []
    params: InvoiceLineItemListParams = {"limit": PAGE}
    while True:
        page = as_dict(gateway().read(lambda s: s.v1.invoices.line_items.list(stripe_invoice_id, params)))  # noqa: B023
        lines.extend(page["data"])
        if not page["has_more"]:
            return lines
        params = {"limit": PAGE, "starting_after": lines[-1]["id"]}


def replace(invoice: Invoice, lines: list[dict[str, Any]]) -> None:
    """Make our lines equal to Stripe's: drafts gain and lose lines until they are finalised."""
    kept = [line["id"] for line in lines]
    db.session.execute(
        delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.stripe_line_id.not_in(kept)),
        execution_options={"synchronize_session": False},
    )
    for position, line in enumerate(lines):
        values = _values(line, position)
        statement = insert(InvoiceLine).values(
            tenant_id=invoice.tenant_id,
            id=uuid7(),
            invoice_id=invoice.id,
            stripe_line_id=line["id"],
            **values,
        )
        db.session.execute(statement.on_conflict_do_update(constraint="invoice_lines_stripe_line_id_key", set_=values))


def _values(line: dict[str, Any], position: int) -> dict[str, Any]:
    pricing = line["pricing"] or {}
    price = (pricing.get("price_details") or {}).get("price")
    parent = line["parent"] or {}
    details = parent.get(str(parent.get("type"))) or {}
    unit = pricing.get("unit_amount_decimal")
    return {
        "position": position,
        "description": line["description"] or "",
        "quantity": line["quantity"],
        "unit_amount": None if unit is None else Decimal(str(unit)),
        "amount_minor": line["amount"],
        "discount_minor": sum(entry["amount"] for entry in line["discount_amounts"] or []),
        "tax_minor": sum(entry["amount"] for entry in line["taxes"] or []),
        "is_proration": bool(details.get("proration")),
        "period_start": clock.from_timestamp(line["period"]["start"]),
        "period_end": clock.from_timestamp(line["period"]["end"]),
        "stripe_price_id": price if isinstance(price, str) else (price or {}).get("id"),
        "inputs": {
            "parent": parent,
            "taxes": line["taxes"] or [],
            "discounts": line["discount_amounts"] or [],
        },
    }
