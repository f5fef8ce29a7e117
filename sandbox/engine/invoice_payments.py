"""Invoice payments: which payment intent pays which invoice (what invoice.payment_intent was before)."""

from collections.abc import Iterator

from .fields import where
from .work import Obj, Work

KIND = "invoice_payment"


def open_for(work: Work, invoice: Obj, intent_id: str) -> Obj:
    """The open link between an invoice and the intent that shall pay it."""
    return work.add(
        KIND,
        {
            "id": work.new_id("inpay"),
            "object": KIND,
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": work.now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"type": "payment_intent", "payment_intent": intent_id},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        },
    )


def mark_paid(work: Work, payment_id: str) -> Obj:
    """open -> paid; emits invoice_payment.paid."""
    payment = work.edit(KIND, payment_id)
    payment.update(status="paid", amount_paid=payment["amount_requested"])
    payment["status_transitions"]["paid_at"] = work.now
    work.emit("invoice_payment.paid", payment)
    return payment


def cancel(work: Work, payment_id: str) -> Obj:
    """open -> canceled, when the invoice is voided or paid out of band."""
    payment = work.edit(KIND, payment_id)
    payment["status"] = "canceled"
    payment["status_transitions"]["canceled_at"] = work.now
    return payment


def of(work: Work, invoice_id: str) -> Obj | None:
    """The invoice's default payment, or None when nothing is due."""
    return next((payment for payment in work.all(KIND) if payment["invoice"] == invoice_id), None)


def invoice_of(work: Work, intent_id: str) -> str | None:
    """The id of the invoice that a payment intent pays, or None."""
    return next(
        (str(found["invoice"]) for found in work.all(KIND) if found["payment"].get("payment_intent") == intent_id), None
    )


def retrieve(work: Work, _params: Obj, payment_id: str) -> Obj:
    """GET /v1/invoice_payments/{id}."""
    return work.read(KIND, payment_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/invoice_payments, by `invoice` or backwards by `payment[payment_intent]`."""
    by_intent = params.get("payment", {}).get("payment_intent")
    for payment in where(work.all(KIND), params, "invoice", "status"):
        if by_intent in (None, payment["payment"].get("payment_intent")):
            yield payment
