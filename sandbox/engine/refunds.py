"""Refunds of charges, whole or in part. The invoice stays as it is."""

from collections.abc import Iterator

from ..errors import InvalidRequest, modelled
from . import charges
from .fields import merged_metadata, new_metadata, where
from .money import formatted
from .work import Obj, Work, copied

KIND = "refund"


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/refunds of a `charge` or a `payment_intent`, `amount` in minor units (default: the rest).

    InvalidRequest: charge_already_refunded, or more than is left. Emits refund.created, charge.refunded.
    """
    modelled(params, {"amount", "charge", "payment_intent", "metadata", "reason"}, "refunds")
    charge = _charge(work, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise InvalidRequest(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = params.get("amount", left)
    if amount <= 0:
        raise InvalidRequest("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        raise InvalidRequest(
            f"Refund amount ({formatted(amount, charge['currency'])}) is greater than unrefunded amount on "
            f"charge ({formatted(left, charge['currency'])})",
            param="amount",
        )
    refund = work.add(KIND, _body(work, params, charge, amount))
    before = copied(charge)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    work.emit("refund.created", refund)
    work.emit_updated("charge.refunded", before, charge)
    return refund


def retrieve(work: Work, _params: Obj, refund_id: str) -> Obj:
    """GET /v1/refunds/{id}."""
    return work.read(KIND, refund_id)


def update(work: Work, params: Obj, refund_id: str) -> Obj:
    """POST /v1/refunds/{id}: metadata only."""
    refund = work.edit(KIND, refund_id)
    before = copied(refund)
    refund["metadata"] = merged_metadata(refund["metadata"], params.get("metadata"))
    work.emit_updated("refund.updated", before, refund)
    return refund


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/refunds."""
    return where(work.all(KIND), params, "charge", "payment_intent")


def _charge(work: Work, params: Obj) -> Obj:
    if "charge" in params:
        charge = work.edit(charges.KIND, params["charge"], param="charge")
    elif "payment_intent" in params:
        intent = work.read("payment_intent", params["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded":
            raise InvalidRequest(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        charge = work.edit(charges.KIND, intent["latest_charge"])
    else:
        raise InvalidRequest(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    if charge["status"] != "succeeded":
        raise InvalidRequest(f"Charge {charge['id']} is not successful and cannot be refunded.", param="charge")
    return charge


def _body(work: Work, params: Obj, charge: Obj, amount: int) -> Obj:
    return {
        "id": work.new_id("re"),
        "object": KIND,
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": work.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": new_metadata(params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
