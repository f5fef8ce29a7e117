"""Refunds: of cards at once, of debits in days, the two cards that take their time, and what is refused."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import DAY, MONDAY, advance, charge_of, clocked_customer, pay, told


def test_refunds_in_parts(shared: Sandbox) -> None:
    v1 = shared.client.v1
    charge = charge_of(shared, pay(shared, description="Order 7"))
    first = v1.refunds.create({"charge": charge.id, "amount": 300, "reason": "requested_by_customer"})
    assert (first.status, first.amount, first.reason, first.currency) == (
        "succeeded",
        300,
        "requested_by_customer",
        "usd",
    )
    assert first.payment_intent == charge.payment_intent
    after = v1.charges.retrieve(charge.id)
    assert (after.amount_refunded, after.refunded) == (300, False)
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.refunds.create({"charge": charge.id, "amount": 701})
    assert (error.value.param, error.value.code) == ("amount", None)
    assert "($7.01) is greater than unrefunded amount on charge ($7.00)" in str(error.value)
    v1.refunds.create({"payment_intent": str(charge.payment_intent)})
    after = v1.charges.retrieve(charge.id)
    assert (after.amount_refunded, after.refunded) == (1000, True)
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.refunds.create({"charge": charge.id})
    assert error.value.code == "charge_already_refunded"
    assert [refund.amount for refund in v1.refunds.list({"charge": charge.id}).data] == [700, 300]
    assert told(shared, charge.id) == ["charge.succeeded", "charge.refunded", "charge.refunded"]
    assert told(shared, first.id) == ["refund.created"]


def test_refunds_are_refused(shared: Sandbox) -> None:
    v1 = shared.client.v1
    charge = charge_of(shared, pay(shared))
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.refunds.create({"charge": charge.id, "amount": 0})
    assert (error.value.code, error.value.param) == ("parameter_invalid_integer", "amount")
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        v1.refunds.create({})
    wrong: Any = {"charge": charge.id, "reason": "expired_uncaptured_charge"}
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.refunds.create(wrong)
    assert error.value.param == "reason"
    bare = v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        v1.refunds.create({"payment_intent": bare.id})
    held = pay(shared, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match="cancel the PaymentIntent"):
        v1.refunds.create({"charge": str(held.latest_charge)})
    debit = pay(shared, "pm_usBankAccount_processing")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        v1.refunds.create({"charge": str(debit.latest_charge)})
    refund = v1.refunds.create({"charge": charge.id})
    with pytest.raises(stripe.InvalidRequestError, match="Canceling this refund is unsupported"):
        v1.refunds.cancel(refund.id)


def test_a_pending_refund_arrives_later(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    charge = charge_of(shared, pay(shared, "pm_card_pendingRefund", customer=customer.id))
    refund = v1.refunds.create({"charge": charge.id})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert v1.charges.retrieve(charge.id).refunded is True
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        v1.refunds.create({"charge": charge.id})
    advance(shared, clock, MONDAY + 2 * DAY)
    assert v1.refunds.retrieve(refund.id).status == "succeeded"
    assert told(shared, refund.id) == ["refund.created", "refund.updated", "charge.refund.updated"]


def test_a_refund_fails_later(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    charge = charge_of(shared, pay(shared, "pm_card_refundFail", customer=customer.id))
    refund = v1.refunds.create({"charge": charge.id, "amount": 400})
    assert refund.status == "succeeded"
    advance(shared, clock, MONDAY + 2 * DAY)
    refund = v1.refunds.retrieve(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    back: Any = v1.balance_transactions.retrieve(str(refund.failure_balance_transaction))
    assert (back.type, back.net, back.source) == ("refund_failure", 400, refund.id)
    charge = v1.charges.retrieve(charge.id)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert told(shared, refund.id) == ["refund.created", "refund.updated", "charge.refund.updated", "refund.failed"]


def test_a_pending_refund_is_taken_back_in_the_dashboard(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    charge = charge_of(shared, pay(shared, "pm_card_pendingRefund", customer=customer.id))
    refund = v1.refunds.create({"charge": charge.id})
    canceled = shared.control(f"refunds/{refund.id}/cancel")
    assert canceled["status"] == "canceled"
    assert v1.charges.retrieve(charge.id).refunded is False
    late = v1.refunds.create({"charge": charge.id})
    advance(shared, clock, MONDAY + 1801)
    shared.control(f"refunds/{late.id}/cancel", status=400)


def test_the_refund_of_a_debit_takes_days(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    intent = pay(shared, "pm_sepaDebit_success_de", customer=customer.id)
    advance(shared, clock, MONDAY + 4 * DAY)
    refund = v1.refunds.create({"payment_intent": intent.id, "amount": 100, "metadata": {"a": "b"}})
    assert (refund.status, refund.metadata and refund.metadata["a"]) == ("pending", "b")
    assert refund.id.startswith("pyr_")
    advance(shared, clock, MONDAY + 10 * DAY)
    assert v1.refunds.retrieve(refund.id).status == "succeeded"
    changed = v1.refunds.update(refund.id, {"metadata": {"a": "c"}})
    assert changed.metadata is not None
    assert changed.metadata["a"] == "c"


def test_charges_are_described_later(shared: Sandbox) -> None:
    v1 = shared.client.v1
    charge = charge_of(shared, pay(shared))
    address = {"line1": "1 Main St", "city": "Springfield", "country": "US", "postal_code": "12345"}
    params: Any = {
        "description": "a book",
        "receipt_email": "ada@example.com",
        "metadata": {"order": "9"},
        "fraud_details": {"user_report": "safe"},
        "shipping": {"name": "Ada", "address": address},
    }
    changed: Any = v1.charges.update(charge.id, params)
    assert (changed.description, changed.receipt_email, changed.metadata["order"]) == (
        "a book",
        "ada@example.com",
        "9",
    )
    assert (changed.fraud_details.user_report, changed.shipping.address.line1) == ("safe", "1 Main St")
    customer, other = v1.customers.create({}), v1.customers.create({})
    assert v1.charges.update(charge.id, {"customer": customer.id}).customer == customer.id
    with pytest.raises(stripe.InvalidRequestError, match="cannot change the customer"):
        v1.charges.update(charge.id, {"customer": other.id})
    assert told(shared, charge.id)[-1] == "charge.updated"
