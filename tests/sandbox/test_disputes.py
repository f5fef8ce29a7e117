"""Disputes from their first event to their end, with the money that goes and comes."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import DAY, MONDAY, advance, charge_of, clocked_customer, pay, refusal, told


def disputed(sandbox: Sandbox, method: str, **more: Any) -> tuple[stripe.Charge, stripe.Dispute]:
    charge = charge_of(sandbox, pay(sandbox, method, **more))
    return charge, sandbox.client.v1.disputes.list({"charge": charge.id}).data[0]


def answered(sandbox: Sandbox, method: str, text: str) -> tuple[stripe.Charge, stripe.Dispute]:
    """A dispute that got this answer, after the bank read it."""
    clock, customer = clocked_customer(sandbox)
    charge, dispute = disputed(sandbox, method, customer=customer.id)
    sandbox.client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    advance(sandbox, clock, MONDAY + 10)
    return charge, sandbox.client.v1.disputes.retrieve(dispute.id)


def moved(sandbox: Sandbox, source: str) -> list[tuple[int, int]]:
    found = sandbox.client.v1.balance_transactions.list({"source": source, "type": "adjustment"}).data
    return [(each.amount, each.net) for each in found][::-1]


def test_a_dispute_takes_the_money_at_once(shared: Sandbox) -> None:
    charge, dispute = disputed(shared, "pm_card_createDispute", amount=3000)
    assert charge.disputed is True
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 3000)
    assert dispute.is_charge_refundable is False
    details: Any = dispute.payment_method_details
    assert (details.card.case_type, details.card.network_reason_code, details.card.brand) == (
        "chargeback",
        "10.4",
        "visa",
    )
    assert dispute.evidence_details.due_by == (dispute.created // DAY + 9) * DAY - 1
    assert [each.net for each in dispute.balance_transactions] == [-4500]
    assert moved(shared, dispute.id) == [(-3000, -4500)]
    assert told(shared, dispute.id) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as error:
        shared.client.v1.refunds.create({"charge": charge.id})
    assert error.value.code == "charge_disputed"
    _, other = disputed(shared, "pm_card_createDisputeProductNotReceived")
    assert other.reason == "product_not_received"


def test_winning_gives_money_and_fee_back(shared: Sandbox) -> None:
    charge, dispute = answered(shared, "pm_card_createDispute", "winning_evidence")
    assert (dispute.status, dispute.is_charge_refundable) == ("won", True)
    assert (dispute.evidence_details.submission_count, dispute.evidence_details.has_evidence) == (1, True)
    assert moved(shared, dispute.id) == [(-1000, -2500), (1000, 2500)]
    assert told(shared, dispute.id) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]
    assert shared.client.v1.refunds.create({"charge": charge.id}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        shared.client.v1.disputes.close(dispute.id)


def test_losing_keeps_it(shared: Sandbox) -> None:
    _, dispute = answered(shared, "pm_card_createDispute", "losing_evidence")
    assert dispute.status == "lost"
    assert moved(shared, dispute.id) == [(-1000, -2500)]
    assert told(shared, dispute.id)[-1] == "charge.dispute.closed"


def test_other_evidence_stays_under_review(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    _, dispute = disputed(shared, "pm_card_createDispute", customer=customer.id)
    staged = v1.disputes.update(dispute.id, {"evidence": {"product_description": "a book"}, "submit": False})
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    sent = v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence.product_description) == ("under_review", "a book")
    advance(shared, clock, MONDAY + 30 * DAY)
    assert v1.disputes.retrieve(dispute.id).status == "under_review"
    with pytest.raises(stripe.InvalidRequestError, match="submitted already"):
        v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert v1.disputes.update(dispute.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.disputes.update(disputed(shared, "pm_card_createDispute")[1].id, {"evidence": {"receipt": "file_1"}})
    assert refusal(error.value)["code"] == "sandbox_not_modelled"


def test_no_answer_loses(shared: Sandbox) -> None:
    clock, customer = clocked_customer(shared)
    _, dispute = disputed(shared, "pm_card_createDispute", customer=customer.id)
    due: Any = dispute.evidence_details.due_by
    advance(shared, clock, due - 1)
    assert shared.client.v1.disputes.retrieve(dispute.id).status == "needs_response"
    advance(shared, clock, due)
    assert shared.client.v1.disputes.retrieve(dispute.id).status == "lost"


def test_giving_in(shared: Sandbox) -> None:
    _, dispute = disputed(shared, "pm_card_createDispute")
    assert shared.client.v1.disputes.close(dispute.id).status == "lost"
    assert told(shared, dispute.id)[-1] == "charge.dispute.closed"
    _, inquiry = disputed(shared, "pm_card_createDisputeInquiry")
    assert shared.client.v1.disputes.close(inquiry.id).status == "warning_closed"


def test_an_inquiry_takes_nothing_until_it_escalates(shared: Sandbox) -> None:
    charge, inquiry = disputed(shared, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert told(shared, inquiry.id) == ["charge.dispute.created"]
    assert shared.client.v1.refunds.create({"charge": charge.id, "amount": 100}).status == "succeeded"
    _, escalated = answered(shared, "pm_card_createDisputeInquiry", "escalate_inquiry_evidence")
    details: Any = escalated.payment_method_details
    assert (escalated.status, details.card.case_type) == ("needs_response", "chargeback")
    assert moved(shared, escalated.id) == [(-1000, -2500)]
    assert told(shared, escalated.id)[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    _, closed = answered(shared, "pm_card_createDisputeInquiry", "losing_evidence")
    assert (closed.status, moved(shared, closed.id)) == ("warning_closed", [])


def test_a_disputed_debit_is_lost_at_once(shared: Sandbox) -> None:
    clock, customer = clocked_customer(shared)
    intent = pay(shared, "pm_usBankAccount_dispute", customer=customer.id)
    advance(shared, clock, MONDAY + 4 * DAY)
    dispute = shared.client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.status, dispute.reason) == ("lost", "debit_not_authorized")
    assert shared.client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert moved(shared, dispute.id) == [(-1000, -2500)]


def test_facts_come_in_stripes_order(shared: Sandbox) -> None:
    intent = pay(shared, "pm_card_createDispute")
    found = shared.raw("GET", "/v1/events?limit=10").json()["data"]
    types = [event["type"] for event in found][::-1]
    begin = types.index("payment_intent.created")
    assert types[begin : begin + 5] == [
        "payment_intent.created",
        "charge.succeeded",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]
    assert intent.status == "succeeded"
