"""Charges: one try to take money by one payment method."""

from collections.abc import Iterator

from ..cards import Decline
from ..errors import InvalidRequest, modelled
from . import balance_transactions, charge_bodies, payment_methods
from .fields import address, cleared, merged_metadata, where
from .work import Obj, Work, copied

KIND = "charge"
_UPDATABLE = {"customer", "description", "fraud_details", "metadata", "receipt_email", "shipping", "transfer_group"}


def attempt(
    work: Work,
    intent: Obj,
    method: Obj,
    decline: Decline | None,
    *,
    authenticated: bool,
    captured: bool = True,
) -> Obj:
    """Records a try for a payment intent: succeeded, or failed with the decline's reason.

    `captured` False only holds the amount. Emits charge.succeeded or charge.failed.
    """
    taken = decline is None
    details = charge_bodies.details(intent, method, authenticated=authenticated, mandate=None)
    charge = work.add(KIND, charge_bodies.charge_body(work, intent, method, details))
    _conclude(charge, decline)
    if taken and captured:
        _bring_in(work, charge)
    elif taken:
        charge.update(captured=False, amount_captured=0)
        if method["type"] == "card":
            charge["payment_method_details"]["card"]["capture_before"] = work.now + charge_bodies.HOLD_SECONDS
    work.emit("charge.succeeded" if taken else "charge.failed", charge)
    return charge


def begin(work: Work, intent: Obj, method: Obj, *, mandate: str, debited_at: int | None) -> Obj:
    """Records a debit that takes days, until `debited_at` (UTC seconds; None: for ever); emits charge.pending."""
    details = charge_bodies.details(intent, method, authenticated=False, mandate=mandate)
    if debited_at is not None:
        details[method["type"]]["expected_debit_date"] = charge_bodies.day_of(debited_at)
    charge = work.add(KIND, charge_bodies.charge_body(work, intent, method, details))
    work.emit("charge.pending", charge)
    return charge


def settle(work: Work, charge_id: str, decline: Decline | None) -> Obj:
    """pending -> succeeded or failed, with the event of that name."""
    charge = work.edit(KIND, charge_id)
    _conclude(charge, decline)
    if decline is None:
        _bring_in(work, charge)
    work.emit("charge.succeeded" if decline is None else "charge.failed", charge)
    return charge


def capture(work: Work, charge_id: str, amount: int) -> Obj:
    """Takes `amount` of what a charge holds; emits charge.captured."""
    charge = work.edit(KIND, charge_id)
    charge.update(captured=True, amount_captured=amount)
    _bring_in(work, charge)
    work.emit("charge.captured", charge)
    return charge


def capture_one(work: Work, _params: Obj, charge_id: str) -> Obj:
    """POST /v1/charges/{id}/capture: always refused, as every charge here belongs to a payment intent."""
    charge = work.read(KIND, charge_id)
    if charge["captured"]:
        raise InvalidRequest(f"Charge {charge_id} has already been captured.", code="charge_already_captured")
    raise InvalidRequest(
        f"This uncaptured Charge was created by a PaymentIntent ({charge['payment_intent']}). You must capture the "
        "PaymentIntent instead of the Charge."
    )


def update(work: Work, params: Obj, charge_id: str) -> Obj:
    """POST /v1/charges/{id}; `customer` only while there is none. Emits charge.updated."""
    modelled(params, _UPDATABLE, "updating a charge")
    charge = work.edit(KIND, charge_id)
    before = copied(charge)
    if "customer" in params:
        if charge["customer"] not in (None, params["customer"]):
            raise InvalidRequest("You cannot change the customer of a charge that has one.", param="customer")
        charge["customer"] = work.read("customer", params["customer"], param="customer")["id"]
    for name in ("description", "receipt_email", "transfer_group"):
        if name in params:
            charge[name] = cleared(params[name])
    if "shipping" in params:
        charge["shipping"] = shipping(params["shipping"])
    report = params.get("fraud_details", {}).get("user_report")
    if report is not None:
        charge["fraud_details"] = {"user_report": report} if report else {}
    charge["metadata"] = merged_metadata(charge["metadata"], params.get("metadata"))
    work.emit_updated("charge.updated", before, charge)
    return charge


def retrieve(work: Work, _params: Obj, charge_id: str) -> Obj:
    """GET /v1/charges/{id}."""
    return work.read(KIND, charge_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/charges."""
    return where(work.all(KIND), params, "customer", "payment_intent", "transfer_group")


def shipping(given: Obj) -> Obj | None:
    """Where a payment's goods go, as charges and payment intents show it; "" clears it."""
    if not given:
        return None
    texts = {name: cleared(given.get(name)) for name in ("carrier", "name", "phone", "tracking_number")}
    return {**texts, "address": address(given["address"])}


def _conclude(charge: Obj, decline: Decline | None) -> None:
    taken = decline is None
    charge.update(
        amount_captured=charge["amount"] if taken else 0,
        captured=taken,
        failure_code=decline.code if decline else None,
        failure_message=decline.message if decline else None,
        outcome=charge_bodies.outcome(decline),
        paid=taken,
        status="succeeded" if taken else "failed",
    )


def _bring_in(work: Work, charge: Obj) -> None:
    balance_transactions.of_payment(work, charge, payment_methods.behind(work, charge["payment_method"]))
