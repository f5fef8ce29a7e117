"""Subscriptions that begin without a payment: the setup intent that saves a method before there is something to pay."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import BACK, told
from .support import customer_with_card, product_with_price
from .timing import DAY, START, advance, clock_at, clocked_customer

KEEPS: Any = {"save_default_payment_method": "on_subscription"}
TRIAL: Any = {"trial_period_days": 14}


def begun(sandbox: Sandbox, customer: str, *, amount: int = 2900, **more: Any) -> Any:
    _, price = product_with_price(sandbox, amount)
    params: Any = {"customer": customer, "items": [{"price": price.id}], "expand": ["pending_setup_intent"], **more}
    return sandbox.client.v1.subscriptions.create(params)


def confirmed(sandbox: Sandbox, subscription: Any, method: str = "pm_card_visa") -> stripe.SetupIntent:
    params: Any = {"payment_method": method, "return_url": BACK}
    return sandbox.client.v1.setup_intents.confirm(subscription.pending_setup_intent.id, params)


@pytest.fixture
def customer(shared: Sandbox) -> str:
    return shared.client.v1.customers.create({}).id


def test_a_trial_without_a_card_saves_one_and_pays_with_it(shared: Sandbox) -> None:
    clock = clock_at(shared).id
    owner = clocked_customer(shared, clock, None)
    made = begun(shared, owner, payment_behavior="default_incomplete", payment_settings=KEEPS, **TRIAL)
    intent = made.pending_setup_intent
    assert (made.status, intent.status, intent.usage) == ("trialing", "requires_payment_method", "off_session")
    assert (intent.customer, bool(intent.client_secret)) == (owner, True)
    created = shared.raw("GET", "/v1/events?type=customer.subscription.created&limit=1").json()["data"][0]
    assert created["data"]["object"]["pending_setup_intent"] == intent.id
    saved = confirmed(shared, made)
    read = shared.client.v1.subscriptions.retrieve(made.id)
    assert (read.pending_setup_intent, read.default_payment_method) == (None, saved.payment_method)
    assert shared.client.v1.payment_methods.retrieve(str(saved.payment_method)).customer == owner
    last = shared.raw("GET", "/v1/events?limit=1").json()["data"][0]
    assert last["type"] == "customer.subscription.updated"
    assert last["data"]["previous_attributes"] == {"default_payment_method": None, "pending_setup_intent": intent.id}
    advance(shared, clock, START + 14 * DAY + 3700)
    paid: Any = shared.client.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
    assert (paid.status, paid.latest_invoice.status, paid.latest_invoice.amount_paid) == ("active", "paid", 2900)


def test_the_default_stays_as_it_is_unless_it_is_wished(shared: Sandbox, customer: str) -> None:
    made = begun(shared, customer, **TRIAL)
    confirmed(shared, made)
    read = shared.client.v1.subscriptions.retrieve(made.id)
    assert (read.pending_setup_intent, read.default_payment_method) == (None, None)


def test_what_costs_nothing_at_first(shared: Sandbox, customer: str) -> None:
    free = begun(shared, customer, amount=0)
    assert (free.status, free.pending_setup_intent.status) == ("active", "requires_payment_method")


def test_a_refused_card_leaves_it_pending(shared: Sandbox, customer: str) -> None:
    made = begun(shared, customer, payment_settings=KEEPS, **TRIAL)
    with pytest.raises(stripe.CardError):
        confirmed(shared, made, "pm_card_visa_chargeDeclined")
    read = shared.client.v1.subscriptions.retrieve(made.id)
    assert read.pending_setup_intent == made.pending_setup_intent.id
    confirmed(shared, made)
    assert shared.client.v1.subscriptions.retrieve(made.id).pending_setup_intent is None


def test_three_d_secure(shared: Sandbox, customer: str) -> None:
    made = begun(shared, customer, payment_settings=KEEPS, **TRIAL)
    asked = confirmed(shared, made, "pm_card_authenticationRequiredOnSetup")
    assert asked.status == "requires_action"
    assert shared.client.v1.subscriptions.retrieve(made.id).pending_setup_intent == asked.id
    shared.control(f"intents/{asked.id}/answer", {"result": "complete"})
    read = shared.client.v1.subscriptions.retrieve(made.id)
    assert (read.pending_setup_intent, read.default_payment_method) == (None, asked.payment_method)


def test_a_card_on_file_that_wants_three_d_secure(shared: Sandbox) -> None:
    owner, method = customer_with_card(shared, "pm_card_authenticationRequiredOnSetup")
    made = begun(shared, owner.id, **TRIAL)
    intent = made.pending_setup_intent
    assert (made.status, intent.status, intent.payment_method) == ("trialing", "requires_action", method)
    assert told(shared, intent.id) == ["setup_intent.created", "setup_intent.requires_action"]
    shared.control(f"intents/{intent.id}/answer", {"result": "complete"})
    assert shared.client.v1.subscriptions.retrieve(made.id).pending_setup_intent is None
    assert begun(shared, owner.id, **TRIAL).pending_setup_intent is None


def test_it_outlives_the_subscription(shared: Sandbox, customer: str) -> None:
    """As at Stripe, where whoever cancels cancels the setup intent himself."""
    made = begun(shared, customer, payment_settings=KEEPS, **TRIAL)
    shared.client.v1.subscriptions.cancel(made.id)
    assert confirmed(shared, made).status == "succeeded"
    read = shared.client.v1.subscriptions.retrieve(made.id)
    assert (read.pending_setup_intent, read.default_payment_method) == (made.pending_setup_intent.id, None)


@pytest.mark.parametrize(
    "terms",
    [
        {"payment_behavior": "default_incomplete"},
        {**TRIAL, "collection_method": "send_invoice", "days_until_due": 3},
    ],
)
def test_nothing_to_set_up(shared: Sandbox, customer: str, terms: Any) -> None:
    """What is paid at once saves its method by the payment; what is sent needs none."""
    assert begun(shared, customer, **terms).pending_setup_intent is None


def test_a_card_on_file_is_enough(shared: Sandbox) -> None:
    owner, _ = customer_with_card(shared)
    assert begun(shared, owner.id, **TRIAL).pending_setup_intent is None
