"""Stripe's payment intent: it has no row of its own, it only tells which invoice to read again."""

from typing import Any

from portal.gateway.client import as_dict, gateway
from portal.gateway.inbox import want


def fetch(object_id: str) -> dict[str, Any]:
    """The intent, with ``invoices``: the ids of the invoices that it pays (intents do not name them)."""
    intent = as_dict(gateway().read(lambda s: s.v1.payment_intents.retrieve(object_id)))
    paid = gateway().read(
        lambda s: s.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": object_id}})
    )
    intent["invoices"] = [entry["invoice"] for entry in as_dict(paid)["data"]]
    return intent


def customer(resource: dict[str, Any]) -> str | None:
    found: str | None = resource.get("customer")
    return found


def apply(resource: dict[str, Any]) -> None:
    for invoice_id in resource["invoices"]:
        want(invoice_id, "invoice")
