"""The taxes of an invoice, a preview or a credit note, as we keep them."""

from typing import Any


def taxes_of(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The taxes of an invoice or preview, with rates and bases."""
    return [_tax(entry) for entry in resource["total_taxes"] or []]


def _tax(entry: dict[str, Any]) -> dict[str, Any]:
    rate = (entry.get("tax_rate_details") or {}).get("tax_rate")
    found = rate if isinstance(rate, dict) else {}
    return {
        "rate_id": found.get("id") or rate,
        "name": found.get("display_name") or "",
        "percent": str(found["percentage"]) if found.get("percentage") is not None else "",
        "reason": entry.get("taxability_reason") or "",
        "is_inclusive": entry["tax_behavior"] == "inclusive",
        "taxable_minor": entry["taxable_amount"],
        "amount_minor": entry["amount"],
    }
