"""Trials over weeks: each way that one ends, and that there is only one."""

import pytest
from sqlalchemy import func, select, update

from portal import tenancy
from portal.billing import checkouts, leased, trials
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.inbox import want
from portal.models import Checkout, Notice, Plan
from tests.pages.rows import written
from tests.support import database
from tests.support.life import Life
from tests.support.shopping import ACTOR, start


@pytest.fixture(name="plan")
def fixture_plan(settings):
    """Set the policies of the Starter plan."""

    def set_policies(**values):
        with written(settings) as session:
            session.execute(update(Plan).where(Plan.plan_id == "starter").values(**values))

    return set_policies


def begin(life: Life, plan_id: str = "starter", interval: str = "month") -> Checkout:
    with tenancy.bound(life.tenant_id):
        checkout = checkouts.start(plan_id, interval, actor=ACTOR, language="en", trial=True)
    life.hear()
    return checkout


def add_card(life: Life, card: str = "pm_card_visa") -> None:
    """As the page of payment methods does: attached, and the customer's default."""
    customer = life.customer.stripe_customer_id
    method = gateway().write(lambda s: s.v1.payment_methods.attach(card, {"customer": customer})).id
    settings = {"default_payment_method": method}
    gateway().write(lambda s: s.v1.customers.update(customer, {"invoice_settings": settings}))
    life.hear()


def told(life: Life) -> dict[str, int]:
    """How many notices of each kind there are."""
    with tenancy.bound(life.tenant_id):
        query = select(Notice.kind, func.count()).group_by(Notice.kind)
        return {row[0]: row[1] for row in db.session.execute(query)}


def charged(life: Life) -> int:
    charges = life.sandbox.listed("charges", customer=life.customer.stripe_customer_id)
    return sum(charge["amount"] for charge in charges if charge["paid"])


def test_without_a_card_and_canceled_at_the_end(life):
    checkout = begin(life)
    assert (checkout.state, checkout.trial_days, checkout.trial_end) == ("complete", 14, "cancel")
    assert life.subscription.status == "trialing"
    assert life.customer.trial_used_at is not None
    life.advance(days=10)
    assert "trial_ending" not in told(life)
    life.advance(days=1)
    assert told(life)["trial_ending"] == 1
    life.advance(days=4)
    subscription = life.subscription
    assert (subscription.status, subscription.is_live) == ("canceled", False)
    assert charged(life) == 0
    kinds = told(life)
    assert (kinds["trial_ending"], kinds["trial_lapsed"]) == (1, 1)
    assert "subscription_canceled" not in kinds
    with pytest.raises(trials.TrialUsed):
        begin(life)
    with pytest.raises(trials.TrialUsed):
        begin(life, "professional", "year")
    with tenancy.bound(life.tenant_id):
        assert live_subscription() is None


def test_without_a_card_and_paused_until_there_is_one(life, plan):
    plan(trial_end="pause")
    begin(life)
    life.advance(days=15)
    assert life.subscription.status == "paused"
    assert charged(life) == 0
    assert told(life)["trial_lapsed"] == 1
    with tenancy.bound(life.tenant_id), pytest.raises(trials.MethodMissing):
        trials.resume(expected_minor=2900, actor=ACTOR)
    add_card(life)
    assert life.subscription.next_invoice["amount_due_minor"] == 2900
    with tenancy.bound(life.tenant_id):
        trials.resume(expected_minor=2900, actor=ACTOR)
    life.hear()
    assert life.subscription.status == "active"
    assert charged(life) == 2900
    with tenancy.bound(life.tenant_id), pytest.raises(trials.NotPaused):
        trials.resume(expected_minor=2900, actor=ACTOR)


def paused(life: Life, plan) -> None:
    """A trial that is over, and a card that came after."""
    plan(trial_end="pause")
    begin(life)
    life.advance(days=15)
    add_card(life)


def test_going_on_costs_what_the_button_said_or_nothing(life, plan):
    paused(life, plan)
    customer = life.customer.stripe_customer_id
    params = {"amount": -100, "currency": "usd"}
    gateway().write(lambda s: s.v1.customers.balance_transactions.create(customer, params))
    with tenancy.bound(life.tenant_id), pytest.raises(trials.ResumeMoved) as moved:
        trials.resume(expected_minor=2900, actor=ACTOR)
    assert (moved.value.params["amount_minor"], life.subscription.status) == (2800, "paused")
    tenancy.fresh()
    life.drain()  # no event has come: the refusal itself has it looked at again
    assert life.subscription.next_amount_minor == 2800
    with tenancy.bound(life.tenant_id):
        trials.resume(expected_minor=2800, actor=ACTOR)
    life.hear()
    assert (life.subscription.status, charged(life)) == ("active", 2800)


def test_a_worker_that_took_over_going_on_is_said_plainly(life, plan, monkeypatch, settings):
    paused(life, plan)
    stripe_id = life.subscription.stripe_subscription_id

    def overtaken(*given: str) -> None:
        """Stripe has answered, so late that a worker inherited the work and did it."""
        monkeypatch.undo()
        database.expire_leases(settings)
        life.drain()
        want(*given)

    monkeypatch.setattr(trials, "want", overtaken)
    with tenancy.bound(life.tenant_id), pytest.raises(leased.StillWorking):
        trials.resume(expected_minor=2900, actor=ACTOR)
    life.hear()
    assert (life.subscription.status, charged(life)) == ("active", 2900)
    assert life.get(f"subscriptions/{stripe_id}")["status"] == "active"


def test_without_a_card_and_invoiced_at_the_end(life, plan):
    plan(trial_end="create_invoice")
    begin(life)
    life.advance(days=14, hours=2)
    assert life.subscription.status == "past_due"
    assert charged(life) == 0
    assert told(life)["trial_converted"] == 1


def test_with_a_card_added_meanwhile_it_is_charged_what_was_said(life):
    begin(life)
    life.advance(days=5)
    add_card(life)
    foretold = life.subscription.next_amount_minor
    ends_at = life.subscription.trial_end
    life.advance(days=7)
    life.advance(days=2, hours=2)
    subscription = life.subscription
    assert subscription.status == "active"
    assert subscription.current_period_start == ends_at
    assert charged(life) == foretold == 2900
    kinds = told(life)
    assert (kinds["trial_ending"], kinds["trial_converted"]) == (1, 1)


def test_with_the_card_first(life, plan):
    plan(trial_method="required")
    checkout = begin(life)
    assert checkout.state == "open"
    assert life.customer.trial_used_at is None
    life.sandbox.pay(checkout.stripe_session_id)
    life.land(checkout)
    assert life.subscription.status == "trialing"
    assert charged(life) == 0
    life.advance(days=14, hours=2)
    assert life.subscription.status == "active"
    assert charged(life) == 2900


def test_a_trial_that_stripe_no_longer_has_is_gone_here_too(life):
    """Bug table of stripe.md §6, row 11: null overwrites."""
    begin(life)
    with written(life.web.extensions["settings"]) as session:
        session.execute(update(Plan).values(position=Plan.position))  # another commit in between changes nothing
    add_card(life)
    stripe_id = life.subscription.stripe_subscription_id
    gateway().write(lambda s: s.v1.subscriptions.update(stripe_id, {"trial_end": "now"}))
    life.hear()
    resource = life.get(f"subscriptions/{stripe_id}")
    ended = life.subscription.trial_end
    assert (ended and int(ended.timestamp())) == resource["trial_end"]
    assert life.subscription.status == "active"


def test_two_tabs_get_one_trial(life):
    first = begin(life)
    with pytest.raises((checkouts.AlreadySubscribed, checkouts.BeingConfirmed)):
        begin(life)
    with pytest.raises((checkouts.AlreadySubscribed, checkouts.BeingConfirmed)):
        begin(life, "professional")
    found = life.sandbox.listed("subscriptions", customer=life.customer.stripe_customer_id, status="all")
    assert [each["metadata"]["checkout_id"] for each in found] == [str(first.id)]


def test_paying_today_instead_of_a_session_for_a_trial(life, plan):
    plan(trial_method="required")
    trial = begin(life)
    paid = start(life.tenant_id)
    assert paid.id != trial.id
    assert paid.trial_days == 0
    life.sandbox.pay(paid.stripe_session_id)
    life.land(paid)
    assert (life.subscription.status, charged(life)) == ("active", 2900)


@pytest.mark.parametrize("plan_id", ["free"])
def test_a_free_plan_has_no_trial(life, plan_id):
    with pytest.raises(trials.NoTrial):
        begin(life, plan_id)
