"""The payments of a Stripe invoice: which method paid, is still on its way, or why it did not pay."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.ids import uuid7
from portal.mirror import disputes, refunds
from portal.models import Invoice, Payment

_EXPAND = ["latest_charge.refunds"]


def complete(payment: dict[str, Any]) -> None:
    """Put the payment's intent, with its latest charge, its refunds and its disputes, in place of the intent's id."""
    intent_id = payment["payment"].get("payment_intent")
    if not isinstance(intent_id, str):
        return
    intent = as_dict(gateway().read(lambda s: s.v1.payment_intents.retrieve(intent_id, {"expand": _EXPAND})))
    payment["payment"]["payment_intent"] = intent
    if charge := intent.get("latest_charge"):
        refunds.complete(charge)
        disputes.complete(charge)


def replace(invoice: Invoice, payments: list[dict[str, Any]]) -> None:
    """Insert or refresh the invoice's payments, and what went back of them; Stripe never removes one."""
    for payment in payments:
        values = _values(payment)
        statement = insert(Payment).values(
            tenant_id=invoice.tenant_id,
            id=uuid7(),
            invoice_id=invoice.id,
            stripe_invoice_payment_id=payment["id"],
            created_at=clock.from_timestamp(payment["created"]),
            **values,
        )
        statement = statement.on_conflict_do_update(constraint="payments_stripe_invoice_payment_id_key", set_=values)
        payment_id = db.session.execute(statement.returning(Payment.id)).scalar_one()
        charge = (payment["payment"].get("payment_intent") or {}).get("latest_charge") or {}
        refunds.apply(charge, invoice, payment_id)
        disputes.apply(charge, invoice, payment_id)


def state_of(resource: dict[str, Any]) -> tuple[str, str | None]:
    """How far the payment of an invoice is: ``Invoice.payment_state`` and the code of its last failure.

    A try without any payment method leaves no trace but the count of tries.
    """
    if resource["status"] != "open" or resource["amount_remaining"] <= 0:
        return "", None
    is_tried = resource["collection_method"] == "charge_automatically" and resource["attempt_count"] > 0
    for payment in reversed([entry for entry in resource["payments"]["data"] if entry["status"] == "open"]):
        intent = payment["payment"].get("payment_intent") or {}
        error = intent.get("last_payment_error") or {}
        code = error.get("decline_code") or error.get("code")
        if intent.get("status") == "processing":
            return "processing", None
        if intent.get("status") == "requires_action" and is_tried:
            return "action_required", code or "authentication_required"
        if code:
            return "failed", code
    return ("failed", "no_method") if is_tried else ("", None)


def _values(payment: dict[str, Any]) -> dict[str, Any]:
    intent = payment["payment"].get("payment_intent") or {}
    charge = intent.get("latest_charge") or {}
    details = charge.get("payment_method_details") or {}
    method = details.get(details.get("type", "")) or {}
    error = intent.get("last_payment_error") or {}
    return {
        "stripe_payment_intent_id": intent.get("id"),
        "status": payment["status"],
        "amount_minor": payment["amount_requested"] if payment["amount_paid"] is None else payment["amount_paid"],
        "refunded_minor": charge.get("amount_refunded") or 0,
        "currency": payment["currency"],
        "method_type": details.get("type") or "",
        "method_brand": method.get("brand") or "",
        "method_last4": method.get("last4") or "",
        "failure_code": error.get("decline_code") or error.get("code"),
        "intent_status": intent.get("status") or "",
        "paid_at": clock.from_timestamp(payment["status_transitions"]["paid_at"]),
    }
