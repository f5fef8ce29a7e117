"""Money that goes back over days: refunds that banks send back, disputes and what they do to the subscription."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import adjustment_errors, adjustments
from portal.billing.adjustments import Request
from portal.extensions import db
from portal.models import Dispute, DriftFinding, Invoice, Notice, OutboxRow, Payment, PolicySettings, Refund
from tests.support import people
from tests.support.life import Life
from tests.support.shopping import land

REFUND_FAILS, REFUND_PENDS = "4000000000005126", "4000000000007726"
DISPUTED, INQUIRED = "4000000000000259", "4000000000001976"


def buy_with(life: Life, card: str) -> None:
    checkout = life.start("starter")
    life.sandbox.pay(str(checkout.stripe_session_id), card)
    land(life.tenant_id, checkout)
    life.drain()
    life.hear()


def rows(life: Life, model) -> list:
    with tenancy.bound(life.tenant_id):
        return list(db.session.scalars(select(model)))


def refund(life: Life, person, minor: int):
    payment = rows(life, Payment)[0]
    asked = Request(
        kind="refund", amount_minor=minor, reason="asked by phone", invoice_id=payment.invoice_id, payment_id=payment.id
    )
    with tenancy.bound(life.tenant_id, user_id=person, request_token=uuid4()):
        return adjustments.request(asked, actor=person)


def state_of(life: Life, person, adjustment_id) -> tuple[str, str]:
    with tenancy.bound(life.tenant_id, user_id=person):
        row = adjustments.get(adjustment_id)
        return row.state, row.failure_code


def told(life: Life) -> set[str]:
    return {row.kind for row in rows(life, Notice)}


def staff_mails(life: Life) -> list[str]:
    with tenancy.staff_session() as session:
        found = session.scalars(select(OutboxRow.payload).where(OutboxRow.kind == "mail.staff")).all()
    return sorted(payload["kind"] for payload in found)


@pytest.fixture(name="keeper")
def fixture_keeper(web):
    return people.staff("finance").user_id


def test_a_refund_that_the_bank_sends_back_is_told_to_whoever_asked(life, keeper):
    people.staff("admin")  # who did not ask for it is not told
    buy_with(life, REFUND_FAILS)
    done = refund(life, keeper, 500)
    life.hear()
    assert (done.state, rows(life, Payment)[0].refunded_minor) == ("done", 500)
    life.advance(days=2)
    assert state_of(life, keeper, done.id) == ("failed", "expired_or_canceled_card")
    assert [row.status for row in rows(life, Refund)] == ["failed"]
    assert rows(life, Payment)[0].refunded_minor == 0
    assert {"refund_made", "refund_failed"} <= told(life)
    assert staff_mails(life) == ["refund_failed"]
    with tenancy.staff_session() as session:
        assert "refund_failed" in session.scalars(select(DriftFinding.kind)).all()
    again = refund(life, keeper, 2900)  # all of it can go back again
    assert again.state == "done"


def test_a_pending_refund_holds_its_amount(life, keeper):
    buy_with(life, REFUND_PENDS)
    refund(life, keeper, 2000)
    life.hear()
    assert [row.status for row in rows(life, Refund)] == ["pending"]
    with pytest.raises(adjustment_errors.TooMuch):
        refund(life, keeper, 901)
    life.advance(days=2)
    assert [row.status for row in rows(life, Refund)] == ["succeeded"]


def set_policy(worker, **values: str) -> None:
    with worker.app_context():
        policy = db.session.scalars(select(PolicySettings)).one()
        for name, value in values.items():
            setattr(policy, name, value)
        db.session.commit()


def answer(life: Life, evidence: str) -> None:
    """Staff answer at Stripe; the bank decides some seconds later."""
    (dispute,) = rows(life, Dispute)
    life._post(f"disputes/{dispute.stripe_dispute_id}", **{"evidence[uncategorized_text]": evidence})
    life.advance(minutes=10)
    events = [
        each
        for each in life.get("events", limit=100)["data"]
        if each["data"]["object"]["id"] == dispute.stripe_dispute_id
    ]
    for event in reversed(events):
        life.deliver(event)
    life.drain()


def test_a_dispute_is_mirrored_and_told_to_staff_and_its_payment_cannot_be_refunded(life, keeper):
    buy_with(life, DISPUTED)
    (dispute,) = rows(life, Dispute)
    assert (dispute.status, dispute.reason, dispute.amount_minor) == ("needs_response", "fraudulent", 2900)
    assert (dispute.withdrawn_minor, dispute.is_open, dispute.closed_at) == (2900, True, None)
    assert dispute.evidence_due_at is not None
    assert staff_mails(life) == ["dispute_opened"]
    with pytest.raises(adjustment_errors.DisputedPayment):
        refund(life, keeper, 100)


@pytest.mark.parametrize(
    ("evidence", "status", "live"), [("losing_evidence", "lost", "canceled"), ("winning_evidence", "won", "active")]
)
def test_what_a_dispute_does_to_the_subscription(life, worker, keeper, evidence, status, live):
    set_policy(worker, dispute_opened_action="stop_renewal", dispute_lost_action="end_now")
    buy_with(life, DISPUTED)
    life.hear()
    assert life.subscription.cancel_at_period_end
    answer(life, evidence)
    life.hear()
    (dispute,) = rows(life, Dispute)
    assert (dispute.status, dispute.is_open) == (status, False)
    assert dispute.closed_at is not None
    assert dispute.withdrawn_minor == (2900 if status == "lost" else 0)
    assert dispute.consequence == ("ended" if status == "lost" else "restored")
    assert life.subscription.status == live
    assert not (live == "active" and life.subscription.cancel_at_period_end)
    assert staff_mails(life) == ["dispute_closed", "dispute_opened"]
    assert rows(life, Invoice)[0].status == "paid"


def test_an_inquiry_takes_no_money_and_can_be_answered_with_a_refund(life, keeper):
    buy_with(life, INQUIRED)
    (dispute,) = rows(life, Dispute)
    assert (dispute.is_inquiry, dispute.withdrawn_minor) == (True, 0)
    assert refund(life, keeper, 2900).state == "done"
