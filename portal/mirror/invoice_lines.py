"""The lines of a Stripe invoice, with the inputs that explain their amounts."""

from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.extensions import db
from portal.findings import report
from portal.gateway.client import gateway
from portal.gateway.lists import entries
from portal.ids import uuid7
from portal.mirror.line_explanations import Terms, details_of, explanation_of, price_of
from portal.models import Invoice, InvoiceLine, Plan, PlanPrice


def fetch_all(stripe_invoice_id: str) -> list[dict[str, Any]]:
    """All lines of an invoice, in Stripe's order, a hundred a call."""
    return list(entries(lambda page: gateway().read(lambda s: s.v1.invoices.line_items.list(stripe_invoice_id, page))))


def replace(invoice: Invoice, lines: list[dict[str, Any]], terms: Terms) -> None:
    """Make our lines equal to Stripe's: drafts gain and lose lines until they are finalised.

    Each is kept with the formula of its amount; one that has none becomes a finding for staff (``unexplained_line``).
    ``terms``: of the invoice's discounts.
    """
    kept = [line["id"] for line in lines]
    db.session.execute(
        delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id, InvoiceLine.stripe_line_id.not_in(kept)),
        execution_options={"synchronize_session": False},
    )
    plans = plan_names([price for line in lines if (price := price_of(line))])
    for position, line in enumerate(lines):
        values = _values(line, position, plans)
        values["inputs"]["explanation"] = _explained(invoice, line, terms)
        statement = insert(InvoiceLine).values(
            tenant_id=invoice.tenant_id,
            id=uuid7(),
            invoice_id=invoice.id,
            stripe_line_id=line["id"],
            **values,
        )
        db.session.execute(statement.on_conflict_do_update(constraint="invoice_lines_stripe_line_id_key", set_=values))


def _explained(invoice: Invoice, line: dict[str, Any], terms: Terms) -> dict[str, Any] | None:
    """The line's formula; one that was found earlier stays, though what it followed from may be gone since."""
    found = explanation_of(line, terms)
    if found is not None:
        return found.to_json()
    former = db.session.scalar(
        select(InvoiceLine.inputs["explanation"]).where(
            InvoiceLine.invoice_id == invoice.id,
            InvoiceLine.stripe_line_id == line["id"],
            InvoiceLine.amount_minor == line["amount"],
        )
    )
    if not former:
        report("unexplained_line", line["id"], invoice=invoice.stripe_invoice_id, amount_minor=line["amount"])
    return former or None


def plan_names(price_ids: list[str]) -> dict[str, str]:
    """The plan's name by Stripe price: Stripe describes lines in English, whatever the customer reads."""
    rows = db.session.execute(
        select(PlanPrice.stripe_price_id, Plan.name)
        .join(Plan, Plan.plan_id == PlanPrice.plan_id)
        .where(PlanPrice.stripe_price_id.in_(price_ids))
    )
    return {str(price_id): name for price_id, name in rows}


def _values(line: dict[str, Any], position: int, plans: dict[str, str]) -> dict[str, Any]:
    pricing = line["pricing"] or {}
    price = price_of(line)
    unit = pricing.get("unit_amount_decimal")
    is_proration = bool(details_of(line).get("proration"))
    # A proration says more than a name: its own words stay.
    name = None if is_proration else _credit_name(line) or plans.get(price or "")
    return {
        "position": position,
        "description": name or line["description"] or "",
        "quantity": line["quantity"],
        "unit_amount": None if unit is None else Decimal(str(unit)),
        "amount_minor": line["amount"],
        "discount_minor": sum(entry["amount"] for entry in line["discount_amounts"] or []),
        "tax_minor": sum(entry["amount"] for entry in line["taxes"] or []),
        "is_proration": is_proration,
        "period_start": clock.from_timestamp(line["period"]["start"]),
        "period_end": clock.from_timestamp(line["period"]["end"]),
        "stripe_price_id": price,
        "inputs": {
            "parent": line["parent"] or {},
            "taxes": line["taxes"] or [],
            "discounts": line["discount_amounts"] or [],
        },
    }


def _credit_name(line: dict[str, Any]) -> str | None:
    """What a change of plan gave back as an item of its own; Stripe would call it by the plan's name alone."""
    plan_id = (line["metadata"] or {}).get("unused_time_of")
    name = db.session.scalar(select(Plan.name).where(Plan.plan_id == plan_id)) if plan_id else None
    return None if name is None else f"Unused time on {name}"
