"""Subscriptions and the payment of their invoices outside of Checkout."""

from typing import Any

import pytest
import requests
import stripe

from .conftest import Sandbox
from .support import customer_with_card, paid_session, product_with_price


def test_a_subscription_pays_by_the_customers_default(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    customer, method = customer_with_card(shared)
    subscription: Any = shared.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id, "quantity": 2}], "expand": ["latest_invoice"]}
    )
    assert (subscription.status, subscription.latest_invoice.total) == ("active", 5800)
    charge = shared.client.v1.charges.list({"customer": customer.id}).data[0]
    assert (charge.amount, charge.payment_method) == (5800, method)
    poor = shared.client.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shared.client.v1.subscriptions.create({"customer": poor.id, "items": [{"price": price.id}]})
    assert shared.client.v1.subscriptions.list({"customer": poor.id, "status": "all"}).data == []


def test_default_incomplete_waits_and_pay_activates(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    customer, method = customer_with_card(shared)
    subscription: Any = shared.client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "payment_behavior": "default_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
            "expand": ["latest_invoice.confirmation_secret"],
        }
    )
    invoice = subscription.latest_invoice
    assert (subscription.status, invoice.status) == ("incomplete", "open")
    assert invoice.confirmation_secret.type == "payment_intent"
    later = shared.client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as caught:
        shared.client.v1.invoices.pay(invoice.id, {"payment_method": later.id})
    assert caught.value.error is not None
    assert caught.value.error.charge.startswith("ch_")
    assert shared.client.v1.invoices.retrieve(invoice.id).attempt_count == 1
    assert shared.client.v1.invoices.pay(invoice.id).status == "paid"
    active = shared.client.v1.subscriptions.retrieve(subscription.id)
    assert (active.status, active.default_payment_method) == ("active", method)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shared.client.v1.invoices.pay(invoice.id)


def test_error_if_incomplete_leaves_nothing(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    customer, _ = customer_with_card(shared, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        shared.client.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": price.id}], "payment_behavior": "error_if_incomplete"}
        )
    assert shared.client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    assert shared.client.v1.charges.list({"customer": customer.id}).data == []


def test_three_d_secure_outside_of_checkout(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    customer, _ = customer_with_card(shared, "pm_card_authenticationRequired")
    subscription: Any = shared.client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "expand": ["latest_invoice.payments.data.payment.payment_intent"],
        }
    )
    intent = subscription.latest_invoice.payments.data[0].payment.payment_intent
    assert (subscription.status, intent.status) == ("incomplete", "requires_action")
    bank = intent.next_action.redirect_to_url.url
    assert "3-D Secure" in requests.get(bank, timeout=10).text
    landed = requests.post(bank, data={"result": "complete"}, timeout=10)
    assert landed.url.endswith(f"/invoice/{subscription.latest_invoice.id}")
    assert shared.client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_trials_and_free_prices_start_at_once(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    _, free = product_with_price(shared, 0)
    customer = shared.client.v1.customers.create({})
    trial: Any = shared.client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "trial_period_days": 30,
            "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
            "expand": ["latest_invoice"],
        }
    )
    assert (trial.status, trial.latest_invoice.total, trial.latest_invoice.status) == ("trialing", 0, "paid")
    gratis: Any = shared.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": free.id}], "expand": ["latest_invoice.payments"]}
    )
    assert (gratis.status, gratis.latest_invoice.payments.data) == ("active", [])
    assert gratis.latest_invoice.number.endswith("-0002")


def test_cancel_at_period_end_and_back_and_now(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    subscription_id = paid_session(shared, price.id)["subscription"]
    api = shared.client.v1.subscriptions
    ending = api.update(
        subscription_id,
        {"cancel_at_period_end": True, "cancellation_details": {"feedback": "unused", "comment": "bye"}},
    )
    end = ending["items"].data[0].current_period_end
    assert (ending.cancel_at_period_end, ending.cancel_at, ending.status) == (True, end, "active")
    back = api.update(subscription_id, {"cancel_at_period_end": False})
    assert (back.cancel_at, back.canceled_at) == (None, None)
    at = api.update(subscription_id, {"cancel_at": "min_period_end"})
    assert (at.cancel_at, at.cancel_at_period_end) == (end, False)
    with pytest.raises(stripe.InvalidRequestError, match="future"):
        api.update(subscription_id, {"cancel_at": 5})
    gone = api.cancel(subscription_id, {"cancellation_details": {"feedback": "too_complex"}})
    assert gone.status == "canceled"
    assert gone.ended_at
    assert gone.cancellation_details is not None
    assert gone.cancellation_details.feedback == "too_complex"
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        api.cancel(subscription_id)
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        api.update(subscription_id, {"cancel_at_period_end": True})
    assert api.update(subscription_id, {"metadata": {"note": "kept"}}).metadata["note"] == "kept"
    customer = str(gone.customer)
    assert api.list({"customer": customer}).data == []
    assert len(api.list({"customer": customer, "status": "ended"}).data) == 1


def test_canceling_an_incomplete_subscription_voids_its_invoice(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    customer, _ = customer_with_card(shared)
    subscription = shared.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "payment_behavior": "default_incomplete"}
    )
    assert shared.client.v1.subscriptions.cancel(subscription.id).status == "incomplete_expired"
    assert shared.client.v1.invoices.retrieve(str(subscription.latest_invoice)).status == "void"
    with pytest.raises(stripe.InvalidRequestError, match="open"):
        shared.client.v1.invoices.void_invoice(str(subscription.latest_invoice))


def test_one_customer_has_one_currency(shared: Sandbox) -> None:
    product, price = product_with_price(shared)
    euros = shared.client.v1.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 100, "recurring": {"interval": "month"}}
    )
    customer, _ = customer_with_card(shared)
    shared.client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
        shared.client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": euros.id}]})


def test_paid_out_of_band(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    customer, _ = customer_with_card(shared)
    subscription = shared.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "payment_behavior": "default_incomplete"}
    )
    invoice = shared.client.v1.invoices.pay(str(subscription.latest_invoice), {"paid_out_of_band": True})
    assert invoice.status == "paid"
    assert shared.client.v1.charges.list({"customer": customer.id}).data == []
    assert shared.client.v1.subscriptions.retrieve(subscription.id).status == "active"
