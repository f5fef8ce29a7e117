"""Leaving, staying, coming back, over months."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from portal import clock, tenancy
from portal.billing import cancellation_quotes, cancellations, trials
from portal.billing.cancellation_quotes import QuoteGone
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.models import AuditEntry, Cancellation, Invoice, Notice, Plan
from tests.pages.rows import written
from tests.scenarios.test_trials import add_card, begin, charged, told
from tests.support import database
from tests.support.life import Life
from tests.support.shopping import ACTOR


@pytest.fixture(name="at_once")
def fixture_at_once(settings):
    """Every plan may be ended at once, and gives back what is left."""
    with written(settings) as session:
        session.execute(update(Plan).values(cancel_at="choice", cancel_refund="prorated"))


def cancel(life: Life, ending: str = "period_end", **more: str) -> Cancellation:
    with tenancy.bound(life.tenant_id):
        return cancellations.cancel(ending, actor=ACTOR, **more)


def keep(life: Life) -> None:
    with tenancy.bound(life.tenant_id):
        cancellations.keep(actor=ACTOR)


def quote(life: Life) -> cancellations.Quote:
    with tenancy.bound(life.tenant_id):
        return cancellations.quote()


def leaving(life: Life) -> cancellations.Leaving | None:
    with tenancy.bound(life.tenant_id):
        found = live_subscription()
        return cancellations.leaving(found) if found else None


def states(life: Life) -> list[str]:
    with tenancy.bound(life.tenant_id):
        return list(db.session.scalars(select(Cancellation.state).order_by(Cancellation.created_at)))


def test_canceled_kept_canceled_again_and_over(life):
    life.buy()
    ends_at = life.subscription.current_period_end
    row = cancel(life, reason="too_expensive", comment="It costs more than it brings.")
    assert (row.state, row.ends_at) == ("scheduled", ends_at)
    assert leaving(life).ends_at == ends_at  # before the mirror has heard of it
    with pytest.raises(cancellations.AlreadyLeaving):
        cancel(life)
    life.hear()
    assert life.subscription.cancel_at_period_end
    at_stripe = life.get(f"subscriptions/{life.subscription.stripe_subscription_id}")["cancellation_details"]
    assert (at_stripe["feedback"], at_stripe["comment"]) == ("too_expensive", "It costs more than it brings.")
    life.advance(days=10)
    keep(life)
    assert leaving(life) is None
    life.hear()
    assert (leaving(life), states(life)) == (None, ["undone"])
    with pytest.raises(cancellations.NotLeaving):
        keep(life)
    life.advance(days=25)
    assert charged(life) == 5800
    cancel(life)
    life.hear()
    life.advance(days=40)
    assert life.subscription.status == "canceled"
    assert states(life) == ["undone", "ended"]
    assert charged(life) == 5800
    kinds = told(life)
    assert kinds["cancellation_scheduled"] == 2
    assert (kinds["cancellation_undone"], kinds["subscription_canceled"]) == (1, 1)
    with pytest.raises(cancellations.NothingToCancel):
        cancel(life)


def test_kept_after_stripe_refused_once(life):
    life.buy()
    cancel(life)
    life.hear()
    life.sandbox.post("fail", match="POST /v1/subscriptions/*", mode="400")
    with pytest.raises(StripeRefused):
        keep(life)
    assert states(life) == ["scheduled"]
    keep(life)
    assert (states(life), leaving(life)) == (["undone"], None)
    life.hear()
    assert not life.subscription.cancel_at_period_end
    assert told(life)["cancellation_undone"] == 1


def test_at_once_gives_back_what_was_quoted_to_the_minor_unit(life, at_once):
    life.buy()
    life.advance(days=11, hours=7, minutes=13, seconds=5)
    stated = quote(life)
    period = life.subscription.current_period_start, life.subscription.current_period_end
    assert stated.may_end_now
    assert 0 < stated.refund_minor < 2900
    exact = 2900 * (period[1] - life.now) / (period[1] - period[0])
    assert abs(stated.refund_minor - exact) <= 0.5
    life.advance(minutes=10)  # the quote holds although time goes on
    row = cancel(life, "now", token=stated.token)
    assert (row.state, row.refund_minor) == ("ended", stated.refund_minor)
    life.hear()
    assert not life.subscription.is_live
    customer = life.customer.stripe_customer_id
    (note,) = life.sandbox.listed("credit_notes", customer=customer)
    (charge,) = life.sandbox.listed("charges", customer=customer)
    assert note["amount"] == charge["amount_refunded"] == stated.refund_minor
    assert [each["id"] for each in row.stripe_credit_notes] == [note["id"]]
    assert life.get("customers/" + customer)["balance"] == 0
    kinds = told(life)
    assert (kinds["subscription_canceled"], kinds.get("cancellation_scheduled")) == (1, None)


def test_at_once_without_a_refund(life, settings):
    with written(settings) as session:
        session.execute(update(Plan).values(cancel_at="choice"))
    life.buy()
    life.advance(days=3)
    stated = quote(life)
    assert (stated.may_end_now, stated.refund_minor) == (True, 0)
    assert cancel(life, "now", token=stated.token).state == "ended"
    life.hear()
    assert life.subscription.status == "canceled"
    assert life.sandbox.listed("credit_notes", customer=life.customer.stripe_customer_id) == []


def test_at_once_only_where_the_plan_says_so(life):
    life.buy()
    with pytest.raises(cancellations.NotAtOnce):
        cancel(life, "now", token="anything")
    assert leaving(life) is None


def test_a_quote_that_is_old_forged_or_overtaken_is_refused(life, at_once, monkeypatch):
    life.buy()
    life.advance(days=4)
    stated = quote(life)
    for token in ("", "forged", stated.token[:-2] + "xx"):
        with pytest.raises(QuoteGone):
            cancel(life, "now", token=token)
    with monkeypatch.context() as patched:
        patched.setattr(cancellation_quotes, "LIFETIME_SECONDS", -1)
        with pytest.raises(QuoteGone):
            cancel(life, "now", token=stated.token)
    with written(life.web.extensions["settings"]) as session:
        session.execute(update(Plan).values(cancel_refund="none"))
    with pytest.raises(QuoteGone):
        cancel(life, "now", token=stated.token)
    assert states(life) == []
    assert life.sandbox.listed("credit_notes", customer=life.customer.stripe_customer_id) == []


def test_refunded_at_the_dashboard_meanwhile_nothing_is_ended(life, at_once):
    life.buy()
    life.advance(days=1)
    stated = quote(life)
    (charge,) = life.sandbox.listed("charges", customer=life.customer.stripe_customer_id)
    gateway().write(lambda s: s.v1.refunds.create({"charge": charge["id"]}))
    with pytest.raises(StripeRefused):
        cancel(life, "now", token=stated.token)
    life.hear()
    assert states(life) == ["failed"]
    assert life.subscription.status == "active"
    assert cancel(life).state == "scheduled"


def test_a_trial_ends_without_a_charge_and_may_be_kept(life):
    begin(life)
    add_card(life)
    ends_at = life.subscription.trial_end
    assert quote(life).ends_at == ends_at
    assert cancel(life).ends_at == ends_at
    life.hear()
    keep(life)
    life.hear()
    cancel(life)
    life.advance(days=20)
    assert (life.subscription.status, charged(life)) == ("canceled", 0)
    kinds = told(life)
    assert kinds["subscription_canceled"] == 1
    assert "trial_lapsed" not in kinds
    assert "trial_converted" not in kinds


def test_canceled_and_kept_at_the_dashboard(life):
    life.buy()
    stripe_id = life.subscription.stripe_subscription_id
    ahead = int(life.subscription.current_period_end.timestamp())
    gateway().write(lambda s: s.v1.subscriptions.update(stripe_id, {"cancel_at": ahead}))
    life.hear()
    assert leaving(life).ends_at == life.subscription.current_period_end
    with pytest.raises(cancellations.AlreadyLeaving):
        cancel(life)
    keep(life)
    life.hear()
    resource = life.get(f"subscriptions/{stripe_id}")
    assert (resource["cancel_at"], resource["cancel_at_period_end"]) == (None, False)
    cancel(life)
    life.hear()
    gateway().write(lambda s: s.v1.subscriptions.update(stripe_id, {"cancel_at_period_end": False}))
    life.hear()
    assert (leaving(life), states(life)) == (None, ["undone", "undone"])
    assert told(life)["cancellation_undone"] == 2


def test_ended_at_the_dashboard_meanwhile(life, at_once):
    life.buy()
    stated = quote(life)
    stripe_id = life.subscription.stripe_subscription_id
    gateway().write(lambda s: s.v1.subscriptions.cancel(stripe_id))
    with pytest.raises(StripeRefused):
        cancel(life)
    assert states(life) == ["failed"]
    row = cancel(life, "now", token=stated.token)
    assert row.state == "ended"
    life.hear()
    assert life.subscription.status == "canceled"
    with pytest.raises(cancellations.NotLeaving):
        keep(life)


def test_past_due_says_what_is_owed_and_can_still_be_left(life):
    begin(life)
    add_card(life, "pm_card_chargeCustomerFail")
    life.advance(days=14, hours=2)
    assert life.subscription.status == "past_due"
    stated = quote(life)
    assert (stated.owed_minor, stated.may_end_now) == (2900, False)
    assert cancel(life).state == "scheduled"
    life.hear()
    assert (life.subscription.status, life.subscription.cancel_at_period_end) == ("past_due", True)


@pytest.mark.parametrize("mode", ["drop_after_effect", "500"])
def test_a_lost_answer_is_asked_for_again_with_the_same_key(life, mode):
    life.buy()
    stripe_id = life.subscription.stripe_subscription_id
    life.sandbox.post("fail", match=f"POST /v1/subscriptions/{stripe_id}", mode=mode)
    with pytest.raises(PaymentServiceUnavailable):
        cancel(life)
    assert leaving(life).state == "requested"
    with pytest.raises(cancellations.AlreadyLeaving):
        cancel(life)
    life.hear()
    assert (states(life), leaving(life).state) == (["scheduled"], "scheduled")
    assert told(life)["cancellation_scheduled"] == 1


def test_coming_back_keeps_the_history_and_has_no_second_trial(life):
    begin(life)
    add_card(life)
    life.advance(days=15)
    cancel(life)
    life.advance(days=40)
    assert life.subscription.status == "canceled"
    with pytest.raises(trials.TrialUsed):
        begin(life)
    life.buy()
    assert life.subscription.status == "active"
    with tenancy.bound(life.tenant_id):
        numbers = db.session.scalars(select(Invoice.number).where(Invoice.total_minor > 0)).all()
        assert len(numbers) == len(set(numbers)) == 2
        acts = db.session.scalars(select(AuditEntry.verb).where(AuditEntry.object_kind == "cancellation")).all()
        assert {"cancellation.request", "cancellation.scheduled", "cancellation.ended"} <= set(acts)
    assert charged(life) == 5800


def test_notices_are_told_once_however_often_it_is_read(life):
    life.buy()
    cancel(life)
    event = next(each for each in life.sandbox.listed("events") if each["type"] == "customer.subscription.updated")
    for _again in range(3):
        life.deliver(event)
        life.drain()
    with tenancy.bound(life.tenant_id):
        query = select(func.count()).select_from(Notice).where(Notice.kind == "cancellation_scheduled")
        assert db.session.scalar(query) == 1
    assert clock.now() > life.subscription.synced_at


def test_a_refund_whose_key_is_forgotten_is_found(life, at_once, settings):
    """A day later Stripe would take the same key for a new request, and give the money back twice."""
    life.buy()
    life.advance(days=10)
    life.sandbox.post("fail", match="POST /v1/credit_notes", mode="drop_after_effect")
    shown = quote(life)
    with pytest.raises(PaymentServiceUnavailable):
        cancel(life, "now", token=shown.token)
    with written(settings) as session:
        session.execute(update(Cancellation).values(created_at=Cancellation.created_at - timedelta(days=1)))
    life.sandbox.forget("keys")
    database.let_time_pass(settings)
    life.drain()
    life.hear()
    notes = life.get("credit_notes", customer=life.customer.stripe_customer_id)["data"]
    assert [note["total"] for note in notes] == [shown.refund_minor]
    assert states(life) == ["ended"]
