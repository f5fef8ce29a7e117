"""Ending at once, with money that goes back: never twice, never half, and never without a word to staff."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import cancellations
from portal.billing.cancellation_calls import NotEndedYet
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.models import Cancellation
from tests.pages.rows import cancellation, written
from tests.scenarios.test_cancellations import cancel, fixture_at_once, quote, states  # noqa: F401
from tests.scenarios.test_collection import add, owed, pay
from tests.scenarios.test_plan_changes import confirmed
from tests.scenarios.test_trials import add_card
from tests.support import changing, database
from tests.support.life import Life


def charges(life: Life) -> list[dict]:
    return life.sandbox.listed("charges", customer=life.customer.stripe_customer_id)


def notes(life: Life) -> list[int]:
    return sorted(note["total"] for note in life.get("credit_notes", customer=life.customer.stripe_customer_id)["data"])


def refund(life: Life, charge: dict, **params) -> None:
    """As staff do at Stripe's dashboard."""
    gateway().write(lambda s: s.v1.refunds.create({"charge": charge["id"], **params}))


def two_invoices(life: Life) -> None:
    """Starter for a month, changed to Professional after some days: both have paid for time that is left."""
    life.buy()
    life.advance(days=3)
    confirmed(life, "professional")
    life.advance(days=18)


def latest(life: Life) -> Cancellation:
    with tenancy.bound(life.tenant_id):
        return db.session.scalars(select(Cancellation).order_by(Cancellation.id.desc())).first()


@pytest.mark.usefixtures("at_once")
def test_refunded_at_the_dashboard_meanwhile_nothing_goes_back_until_the_quote_knows(life):
    two_invoices(life)
    refund(life, charges(life)[-1])
    before = quote(life).refund_minor
    with pytest.raises(StripeRefused):
        cancel(life, "now", token=quote(life).token)
    assert (notes(life), latest(life).stripe_credit_notes) == ([], [])
    life.hear()
    stated = quote(life)
    assert 0 < stated.refund_minor < before
    assert cancel(life, "now", token=stated.token).state == "ended"
    life.hear()
    assert states(life) == ["failed", "ended"]
    assert (life.subscription.status, notes(life)) == ("canceled", [stated.refund_minor])


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("goodwill", "left"), [(100, 2800), (2500, 400)])
def test_goodwill_before_leaves_a_quote_that_can_be_had(life, goodwill, left):
    life.buy()
    life.advance(days=15)
    undisturbed = quote(life).refund_minor
    refund(life, charges(life)[0], amount=goodwill)
    life.hear()
    stated = quote(life)
    assert stated.refund_minor == min(undisturbed, left)
    assert cancel(life, "now", token=stated.token).state == "ended"
    assert charges(life)[0]["amount_refunded"] == goodwill + stated.refund_minor


@pytest.mark.usefixtures("at_once")
def test_a_credit_note_at_the_dashboard_is_no_refund_and_counts_as_well(life):
    """To the balance, with a refund of its own, and a refund that a later note names: each counts once."""
    life.buy()
    life.advance(days=15)
    invoice = life.get("invoices", customer=life.customer.stripe_customer_id)["data"][0]["id"]
    create = {"invoice": invoice, "amount": 1000, "credit_amount": 1000}
    gateway().write(lambda s: s.v1.credit_notes.create(create))
    create = {"invoice": invoice, "amount": 800, "refund_amount": 800}
    gateway().write(lambda s: s.v1.credit_notes.create(create))
    refund(life, charges(life)[0], amount=300)
    life.hear()
    stated = quote(life)
    assert stated.refund_minor == 2900 - 1000 - 800 - 300
    assert cancel(life, "now", token=stated.token).state == "ended"


@pytest.mark.usefixtures("at_once")
def test_what_is_refused_half_way_is_left_to_staff_and_it_ends(life):
    two_invoices(life)
    stated = quote(life)
    life.sandbox.post("fail", match="POST /v1/credit_notes", mode="delay", seconds=0)
    life.sandbox.post("fail", match="POST /v1/credit_notes", mode="400")
    row = cancel(life, "now", token=stated.token)
    assert row.state == "ended"
    given, missing = row.refunds
    assert [note["invoice"] for note in row.stripe_credit_notes] == [given["invoice"]]
    assert (notes(life), row.given_back_minor) == ([given["amount_minor"]], given["amount_minor"])
    assert ("refund_missing", missing["invoice"]) in changing.findings(life.tenant_id)
    life.hear()
    assert life.subscription.status == "canceled"


@pytest.mark.usefixtures("at_once")
def test_a_note_is_remembered_before_the_next_one_is_made(life, settings):
    two_invoices(life)
    stated = quote(life)
    life.sandbox.post("fail", match="POST /v1/credit_notes", mode="delay", seconds=0)
    life.sandbox.post("fail", match="POST /v1/credit_notes", mode="500")
    with pytest.raises(PaymentServiceUnavailable):
        cancel(life, "now", token=stated.token)
    row = latest(life)
    assert (row.state, len(row.stripe_credit_notes)) == ("requested", 1)
    database.let_time_pass(settings)
    life.hear()
    row = latest(life)
    assert (row.state, row.given_back_minor) == ("ended", stated.refund_minor)
    assert notes(life) == sorted(part["amount_minor"] for part in row.refunds)


@pytest.mark.usefixtures("at_once")
def test_an_answer_that_was_lost_is_no_refusal(life, settings):
    """The note was made, and takes all that was left: tried out again it would be refused."""
    life.buy()
    life.advance(days=15)
    refund(life, charges(life)[0], amount=2500)
    life.hear()
    stated = quote(life)
    life.sandbox.post("fail", match="POST /v1/credit_notes", mode="drop_after_effect")
    with pytest.raises(PaymentServiceUnavailable):
        cancel(life, "now", token=stated.token)
    database.let_time_pass(settings)
    life.hear()
    assert (states(life), notes(life)) == (["ended"], [400])


@pytest.mark.usefixtures("at_once")
def test_once_money_went_back_a_refused_end_is_tried_again(life, settings):
    life.buy()
    life.advance(days=15)
    stated = quote(life)
    life.sandbox.post("fail", match="DELETE /v1/subscriptions/*", mode="400")
    with pytest.raises(NotEndedYet):
        cancel(life, "now", token=stated.token)
    assert states(life) == ["requested"]
    assert ("cancellation_unfinished", str(latest(life).id)) in changing.findings(life.tenant_id)
    database.let_time_pass(settings)
    life.hear()
    assert (states(life), notes(life)) == (["ended"], [stated.refund_minor])
    assert life.subscription.status == "canceled"


@pytest.mark.usefixtures("at_once")
def test_what_an_earlier_try_gave_back_is_taken_off(life, settings):
    life.buy()
    life.advance(days=15)
    undisturbed = quote(life).refund_minor
    invoice = life.get("invoices", customer=life.customer.stripe_customer_id)["data"][0]["id"]
    note = {"invoice": invoice, "amount_minor": 1000, "way": "refund", "id": "cn_1"}
    with written(settings) as session:
        cancellation(session, life.tenant_id, "failed", ending="now", stripe_credit_notes=[note])
    assert quote(life).refund_minor == undisturbed - 1000


def fall_behind(life: Life) -> None:
    """A renewal that the card declines, and ten days on."""
    life.buy()
    add_card(life, "pm_card_chargeCustomerFail")
    stripe_id = life.subscription.stripe_subscription_id
    method = life.customer.default_payment_method
    gateway().write(lambda s: s.v1.subscriptions.update(stripe_id, {"default_payment_method": method}))
    life.advance_to(life.subscription.current_period_end + timedelta(days=10))


@pytest.mark.usefixtures("at_once")
def test_an_open_invoice_is_lowered_by_the_time_that_is_left(life):
    fall_behind(life)
    assert life.subscription.status == "past_due"
    stated = quote(life)
    assert (stated.refund_minor, stated.owed_minor) == (0, 2900)
    assert abs(stated.credit_minor - 2900 * 2 / 3) < 100
    row = cancel(life, "now", token=stated.token)
    assert (row.state, row.refund_minor, row.given_back_minor) == ("ended", 0, 0)
    life.hear()
    assert life.subscription.status == "canceled"
    newest = life.get("invoices", customer=life.customer.stripe_customer_id)["data"][0]
    assert newest["amount_remaining"] == 2900 - stated.credit_minor
    assert [charge["amount_refunded"] for charge in charges(life) if charge["paid"]] == [0]


def test_without_refunds_an_open_invoice_stays_owed(life, settings):
    changing.policy(settings, "starter", cancel_at="choice")
    fall_behind(life)
    stated = quote(life)
    assert (stated.credit_minor, stated.owed_minor) == (0, 2900)
    assert cancel(life, "now", token=stated.token).state == "ended"
    assert notes(life) == []


@pytest.mark.usefixtures("at_once")
def test_while_a_bank_debit_is_on_its_way_there_is_no_end_at_once(life):
    fall_behind(life)
    token = quote(life).token
    pay(life, owed(life), add(life, "", bank_account="000123456789", name="Jenny"))
    stated = quote(life)
    assert (stated.is_paying, stated.may_end_now, stated.token) == (True, False, "")
    with pytest.raises(cancellations.PaymentOnItsWay):
        cancel(life, "now", token=token)
    assert states(life) == []
    assert cancel(life).state == "scheduled"
