"""Refunds of charges, whole or in part. The invoice stays as it is.

Cards are refunded at once, but for two test cards; debits are refunded like they are taken, in days. A refund
counts from the moment it is made: what is pending cannot be refunded again, and its money has left.
"""

from collections.abc import Iterator
from typing import Any

from ..cards import Card
from ..errors import InvalidRequest, modelled
from . import agenda, balance_transactions, business_days, charges, payment_methods
from .fields import merged_metadata, new_metadata, where
from .money import formatted, whole_amount
from .work import Obj, Work, copied

KIND = "refund"
SETTLE = "refund.settle"
# How long a card's refund is pending, or seems to have arrived before it fails (assumed), and that of a debit.
_CARD_SECONDS, _DEBIT_DAYS = 86400, 4
# How long a pending refund of a card can be taken back in the Dashboard of a test account.
_CANCELABLE = 30 * 60


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/refunds of a `charge` or a `payment_intent`, `amount` in minor units (default: the rest).

    InvalidRequest: charge_already_refunded, charge_disputed, or more than is left.
    """
    modelled(params, {"amount", "charge", "payment_intent", "metadata", "reason"}, "refunds")
    charge = _charge(work, params)
    left = left_of(charge)
    if left == 0:
        raise InvalidRequest(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = whole_amount(params.get("amount", left), charge["currency"], param="amount")
    if amount <= 0:
        raise InvalidRequest(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        raise InvalidRequest(
            f"Refund amount ({formatted(amount, charge['currency'])}) is greater than unrefunded amount on "
            f"charge ({formatted(left, charge['currency'])})",
            param="amount",
        )
    metadata = new_metadata(params.get("metadata"))
    return issue(work, charge["id"], amount, reason=params.get("reason"), metadata=metadata)


def issue(work: Work, charge_id: str, amount: int, *, reason: str | None = None, metadata: Obj | None = None) -> Obj:
    """Refunds an amount (minor units) that is left of a charge; emits refund.created and charge.refunded."""
    charge = work.edit(charges.KIND, charge_id)
    due, status = _course(work, charge)
    refund = work.add(KIND, _body(work, charge, amount, reason=reason, metadata=metadata or {}, status=status))
    if status == "pending":
        refund["pending_reason"] = "processing"
    balance_transactions.of_refund(work, refund, charge)
    if due is not None:
        agenda.put(work, SETTLE, refund["id"], due)
    before = copied(charge)
    _count(charge, amount)
    work.emit("refund.created", refund)
    work.emit_updated("charge.refunded", before, charge)
    return refund


def release(work: Work, charge_id: str, amount: int, reason: str | None, *, told: bool = True) -> None:
    """Lets go what a charge held and did not capture: counted as a refund, without money that moves."""
    if amount == 0:
        return
    charge = work.edit(charges.KIND, charge_id)
    refund = work.add(KIND, _body(work, charge, amount, reason=reason, metadata={}, status="succeeded"))
    before = copied(charge)
    _count(charge, amount)
    if told:
        work.emit("refund.created", refund)
        work.emit_updated("charge.refunded", before, charge)


def settle_due(work: Work, refund_id: str) -> None:
    """The agenda's: a pending refund has arrived, or one that seemed to have arrived failed."""
    refund = work.edit(KIND, refund_id)
    if refund["status"] == "succeeded":
        _fail(work, refund, "failed", failure_reason="expired_or_canceled_card")
        work.emit("refund.failed", refund)
    elif refund["status"] == "pending":
        before = copied(refund)
        refund["status"] = "succeeded"
        refund.pop("pending_reason")
        _tell(work, before, refund)


def cancel(work: Work, _params: Obj, refund_id: str) -> Obj:
    """POST /v1/refunds/{id}/cancel: only for refunds that ask the customer something, of which there are none."""
    work.read(KIND, refund_id)
    raise InvalidRequest("Canceling this refund is unsupported.")


def cancel_in_dashboard(work: Work, refund_id: str) -> Obj:
    """pending -> canceled, as the Dashboard lets one do for half an hour; InvalidRequest otherwise."""
    refund = work.edit(KIND, refund_id)
    if refund["status"] != "pending" or work.now > refund["created"] + _CANCELABLE:
        raise InvalidRequest("A refund can be canceled while it is pending, for 30 minutes.")
    agenda.drop(work, SETTLE, refund_id)
    refund.pop("pending_reason")
    _fail(work, refund, "canceled")
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


def left_of(charge: Obj) -> int:
    """What of a charge can still be refunded (minor units)."""
    return int(charge["amount"] - charge["amount_refunded"]) if charge["captured"] else 0


def _charge(work: Work, params: Obj) -> Obj:
    if "charge" in params:
        charge = work.edit(charges.KIND, params["charge"], param="charge")
    elif "payment_intent" in params:
        intent = work.read("payment_intent", params["payment_intent"], param="payment_intent")
        charge_id = intent["latest_charge"]
        if charge_id is None or intent["status"] not in ("succeeded", "requires_capture", "canceled"):
            raise _nothing_to_refund(intent["id"], "payment_intent")
        charge = work.edit(charges.KIND, charge_id)
    else:
        raise InvalidRequest(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    check_refundable(work, charge, "charge")
    return charge


def check_refundable(work: Work, charge: Obj, param: str) -> None:
    """InvalidRequest for a charge that failed, is not captured, or that the bank took back."""
    if charge["status"] != "succeeded":
        raise _nothing_to_refund(charge["payment_intent"], param)
    if not charge["captured"]:
        raise InvalidRequest(
            f"You must cancel the PaymentIntent {charge['payment_intent']} to let go what its uncaptured Charge holds."
        )
    if _is_charged_back(work, charge):
        raise InvalidRequest(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )


def _nothing_to_refund(intent_id: str, param: str) -> InvalidRequest:
    return InvalidRequest(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.", param=param)


def _is_charged_back(work: Work, charge: Obj) -> bool:
    if not charge["disputed"]:
        return False
    return any(found["charge"] == charge["id"] and not found["is_charge_refundable"] for found in work.all("dispute"))


def _course(work: Work, charge: Obj) -> tuple[int | None, str]:
    """When the refund has its result, if not at once, and its status until then."""
    if charge["payment_method_details"]["type"] in payment_methods.DELAYED:
        return business_days.after(work.now, _DEBIT_DAYS), "pending"
    found = payment_methods.behind(work, charge["payment_method"])
    if not isinstance(found, Card) or found.refund == "at_once":
        return None, "succeeded"
    return work.now + _CARD_SECONDS, "pending" if found.refund == "pending" else "succeeded"


def _count(charge: Obj, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _fail(work: Work, refund: Obj, status: str, **fields: Any) -> None:
    """Takes the refund back from the charge and the balance."""
    before = copied(refund)
    charge = work.edit(charges.KIND, refund["charge"])
    former = copied(charge)
    balance_transactions.of_failed_refund(work, refund)
    refund.update(status=status, **fields)
    _count(charge, -refund["amount"])
    _tell(work, before, refund)
    work.emit_updated("charge.updated", former, charge)


def _tell(work: Work, before: Obj, refund: Obj) -> None:
    work.emit_updated("refund.updated", before, refund)
    work.emit_updated("charge.refund.updated", before, refund)


def _body(work: Work, charge: Obj, amount: int, *, reason: str | None, metadata: Obj, status: str) -> Obj:
    card = charge["payment_method_details"]["type"] == "card"
    return {
        "id": work.new_id("re" if card else "pyr"),
        "object": KIND,
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": work.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        **({"destination_details": _destination(charge)} if card else {}),
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }


def _destination(charge: Obj) -> Obj:
    reversed_ = not charge["captured"]
    return {
        "card": {
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "reversal" if reversed_ else "refund",
        },
        "type": "card",
    }
