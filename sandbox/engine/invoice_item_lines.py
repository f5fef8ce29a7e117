"""The invoice line that an invoice item becomes."""

from .invoice_lines import blank_line
from .work import Obj, Work, copied


def line_of(work: Work, invoice_id: str, item: Obj, *, line_id: str | None = None) -> Obj:
    """The line of an item on an invoice; `line_id` when it has one already.

    Its discounts and taxes are invoice_totals.add_up's, but for those that a proration carries: they were taken
    when it was made.
    """
    line = blank_line(work, invoice_id, item["currency"], item["amount"])
    subscription = None if item["parent"] is None else item["parent"]["subscription_details"]["subscription"]
    details = item.get("proration_details")
    return {
        **line,
        "id": line_id or line["id"],
        "description": item["description"],
        "discount_amounts": copied(details["discount_amounts"]) if details else [],
        "discountable": item["discountable"],
        "discounts": list(item["discounts"]),
        "metadata": dict(item["metadata"]),
        "parent": _origin(item, subscription),
        "period": dict(item["period"]),
        "pricing": copied(item["pricing"]),
        "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"],
        "subscription": subscription,
        "_": {**item.get("_", {}), "tax_rates": copied(item["tax_rates"])},
    }


def _origin(item: Obj, subscription: str | None) -> Obj:
    """What the line bills: an item of the subscription that was prorated, else the invoice item."""
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": _credited(item)} if item["proration"] else None,
        "subscription": subscription,
    }
    subscription_item = (
        None if item["parent"] is None else item["parent"]["subscription_details"].get("subscription_item")
    )
    if subscription_item is None:
        return {
            "invoice_item_details": details,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return {
        "invoice_item_details": None,
        "subscription_item_details": {**details, "subscription_item": subscription_item},
        "type": "subscription_item_details",
    }


def _credited(item: Obj) -> Obj | None:
    """The lines that a credit gives back; None for a debit, and for a credit of a debit that was pending yet."""
    credited = (item.get("proration_details") or {}).get("credited_items")
    if not credited or credited["type"] != "invoice_line_items":
        return None
    found: Obj = copied(credited["invoice_line_item_details"])
    return found
