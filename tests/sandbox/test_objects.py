"""The objects, one behaviour a test; and every supported call once, against the contract."""

import re
from typing import Any

import pytest
import stripe

from sandbox.contract import load
from sandbox.wire.operations import VERBS

from .conftest import Sandbox
from .support import customer_with_card, open_session, paid_session, product_with_price


def test_products_and_their_default_price(shared: Sandbox) -> None:
    api = shared.client.v1.products
    product = api.create(
        {
            "name": "Pro",
            "description": "All of it",
            "metadata": {"plan": "pro", "order": "2"},
            "default_price_data": {"currency": "usd", "unit_amount": 9900, "recurring": {"interval": "month"}},
        }
    )
    assert str(product.default_price).startswith("price_")
    changed = api.update(product.id, {"metadata": {"order": "", "seats": "5"}, "description": "", "active": False})
    assert changed.metadata.to_dict() == {"plan": "pro", "seats": "5"}
    assert changed.description is None
    assert product.id in [found.id for found in api.list({"active": False, "limit": 100}).data]
    assert [found.id for found in api.list({"ids": [product.id]}).data] == [product.id]
    cleared = api.update(product.id, {"metadata": ""})
    assert cleared.metadata.to_dict() == {}
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        api.create({"id": product.id, "name": "Again"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be deleted"):
        api.delete(product.id)


def test_a_lookup_key_moves_only_when_asked(sandbox: Sandbox) -> None:
    product, first = product_with_price(sandbox)
    api = sandbox.client.v1.prices
    api.update(first.id, {"lookup_key": "starter_month"})
    params: Any = {
        "product": product.id,
        "currency": "usd",
        "unit_amount_decimal": "2950.5",
        "recurring": {"interval": "month"},
        "lookup_key": "starter_month",
    }
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        api.create(params)
    second = api.create({**params, "transfer_lookup_key": True})
    assert second.unit_amount is None
    assert str(second.unit_amount_decimal) == "2950.5"
    found = api.list({"lookup_keys": ["starter_month"], "expand": ["data.product"]}).data
    assert [price.id for price in found] == [second.id]
    assert api.retrieve(first.id).lookup_key is None
    assert [price.id for price in api.list({"product": product.id, "recurring": {"interval": "year"}})] == []


@pytest.mark.parametrize(
    "change",
    [
        {"unit_amount": -1},
        {"unit_amount": 1, "unit_amount_decimal": "1"},
        {"currency": "dollars"},
        {"recurring": {"interval": "month", "interval_count": 37}},
        {"product": "prod_none"},
        {"recurring": {"interval": "month", "usage_type": "metered"}},
    ],
)
def test_wrong_prices(shared: Sandbox, change: dict[str, Any]) -> None:
    product, _ = product_with_price(shared)
    params: Any = {"product": product.id, "currency": "usd", "unit_amount": 1, **change}
    if "unit_amount_decimal" not in change and "unit_amount" not in change:
        params["unit_amount"] = 1
    with pytest.raises(stripe.InvalidRequestError):
        shared.client.v1.prices.create(params)


def test_customers_keep_clear_and_lose_fields(shared: Sandbox) -> None:
    api = shared.client.v1.customers
    customer = api.create(
        {
            "email": "c@example.com",
            "name": "C",
            "address": {"country": "ES", "city": "Madrid"},
            "preferred_locales": ["es"],
            "metadata": {"tenant": "7"},
        }
    )
    assert customer.address is not None
    assert (customer.address.country, customer.address.line1) == ("ES", None)
    changed = api.update(customer.id, {"address": "", "phone": "123"})
    assert (changed.name, changed.address, changed.phone) == ("C", None, "123")
    with pytest.raises(stripe.InvalidRequestError, match="empty string for 'name'"):
        api.update(customer.id, {"name": ""})
    with pytest.raises(stripe.InvalidRequestError, match="Invalid email"):
        api.update(customer.id, {"email": "nobody"})
    assert api.delete(customer.id).deleted
    assert api.retrieve(customer.id)["deleted"]
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        api.update(customer.id, {"name": "ghost"})


def test_deleting_a_customer_ends_its_subscriptions(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    paid = paid_session(shared, price.id)
    shared.client.v1.customers.delete(paid["customer"])
    assert shared.client.v1.subscriptions.retrieve(paid["subscription"]).status == "canceled"


def test_payment_methods_attach_default_and_detach(shared: Sandbox) -> None:
    customer, method = customer_with_card(shared)
    api = shared.client.v1.payment_methods
    assert api.retrieve(method).customer == customer.id
    assert api.attach(method, {"customer": customer.id}).id == method
    assert [found.id for found in api.list({"customer": customer.id, "type": "card"}).data] == [method]
    other = shared.client.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        api.attach(method, {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError, match="No such PaymentMethod"):
        shared.client.v1.customers.update(other.id, {"invoice_settings": {"default_payment_method": method}})
    assert api.detach(method).customer is None
    settings: Any = shared.client.v1.customers.retrieve(customer.id).invoice_settings
    assert settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        api.attach(method, {"customer": customer.id})


def test_cards_that_refuse_to_be_saved_and_one_that_fails_later(shared: Sandbox) -> None:
    customer, _ = customer_with_card(shared)
    api = shared.client.v1.payment_methods
    with pytest.raises(stripe.CardError) as caught:
        api.attach("pm_card_chargeDeclinedInsufficientFunds", {"customer": customer.id})
    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
    later = api.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    _, price = product_with_price(shared)
    subscription = shared.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "default_payment_method": later.id}
    )
    assert subscription.status == "incomplete"


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
    import requests

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


def test_an_invoice_is_found_by_its_payment(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    paid = paid_session(shared, price.id)
    payment: Any = shared.client.v1.invoice_payments.list({"invoice": paid["invoice"]}).data[0]
    intent = payment.payment.payment_intent
    found = shared.client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent}}
    ).data
    assert [each.invoice for each in found] == [paid["invoice"]]
    assert shared.client.v1.invoice_payments.retrieve(payment.id).status == "paid"
    assert len(shared.client.v1.invoices.list({"subscription": paid["subscription"]}).data) == 1


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


def test_refunds_in_parts_and_never_too_much(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    paid = paid_session(shared, price.id)
    charge = shared.client.v1.charges.list({"customer": paid["customer"]}).data[0]
    api = shared.client.v1.refunds
    part = api.create({"charge": charge.id, "amount": 900, "reason": "requested_by_customer"})
    assert (part.status, part.amount) == ("succeeded", 900)
    with pytest.raises(stripe.InvalidRequestError, match=re.escape("($20.01) is greater than")):
        api.create({"charge": charge.id, "amount": 2001})
    rest = api.create({"payment_intent": str(charge.payment_intent)})
    assert rest.amount == 2000
    done = shared.client.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (done.amount_refunded, done.refunded) == (2900, True)
    assert done.refunds is not None
    assert [found.id for found in done.refunds.data] == [rest.id, part.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.create({"charge": charge.id})
    assert caught.value.code == "charge_already_refunded"
    assert shared.client.v1.invoices.retrieve(paid["invoice"]).status == "paid"


def test_events_are_listed_by_type_and_named_by_their_request(shared: Sandbox) -> None:
    answer = shared.raw("POST", "/v1/products", "name=Named", Idempotency_Key="named-event")
    event: Any = next(
        found
        for found in shared.client.v1.events.list({"types": ["product.created"], "limit": 100}).data
        if found.data.object["id"] == answer.json()["id"]
    )
    assert event.request.id == answer.headers["Request-Id"]
    assert event.request.idempotency_key == "named-event"
    assert shared.client.v1.events.retrieve(event.id).type == "product.created"
    assert shared.client.v1.events.list({"type": "invoice.*", "created": {"gt": 9999999999}}).data == []


def test_webhook_endpoints_show_their_secret_once(sandbox: Sandbox) -> None:
    api = sandbox.client.v1.webhook_endpoints
    made = api.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["invoice.paid"]})
    assert str(made.secret).startswith("whsec_")
    assert "secret" not in api.retrieve(made.id)
    changed = api.update(made.id, {"disabled": True, "description": "off"})
    assert (changed.status, changed.description) == ("disabled", "off")
    assert [found.id for found in api.list().data] == [made.id]
    assert api.delete(made.id).deleted
    assert api.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="Invalid URL"):
        api.create({"url": "ftp://x", "enabled_events": ["*"]})


def test_every_supported_call_answers_by_the_contract(sandbox: Sandbox) -> None:
    """The sandbox checks each answer itself and would say 500; here every call is made once."""
    _tour(sandbox)
    contract = load()
    seen = set()
    for entry in sandbox.look("requests")["data"]:
        assert entry["status"] == 200, entry
        found = contract.match(entry["method"], entry["path"])
        assert found is not None
        seen.add(found[0].id)
    assert seen == set(VERBS)


def _tour(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    v1.accounts.retrieve_current()
    product, price = product_with_price(sandbox)
    v1.products.update(product.id, {"name": "Renamed"})
    v1.products.retrieve(product.id, {"expand": ["default_price"]})
    v1.products.list()
    v1.products.delete(v1.products.create({"name": "Gone"}).id)
    v1.prices.retrieve(price.id, {"expand": ["product", "currency_options"]})
    v1.prices.update(price.id, {"nickname": "monthly"})
    v1.prices.list()
    customer, method = customer_with_card(sandbox)
    v1.customers.retrieve(customer.id, {"expand": ["subscriptions", "sources", "tax_ids"]})
    v1.customers.list()
    v1.customers.payment_methods.list(customer.id)
    v1.customers.payment_methods.retrieve(customer.id, method)
    v1.payment_methods.list({"customer": customer.id})
    v1.payment_methods.retrieve("pm_card_visa")
    v1.payment_methods.update(method, {"billing_details": {"name": "Tour"}})
    v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    session = open_session(sandbox, price.id, customer=customer.id)
    v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "total_details.breakdown"]})
    v1.checkout.sessions.list()
    v1.checkout.sessions.line_items.list(session.id)
    sandbox.control(f"checkout/{session.id}/pay", {"card": "4242424242424242"})
    v1.checkout.sessions.expire(open_session(sandbox, price.id).id)
    paid: Any = v1.checkout.sessions.retrieve(session.id)
    v1.subscriptions.update(paid.subscription, {"metadata": {"a": "b"}})
    v1.subscriptions.retrieve(paid.subscription, {"expand": ["default_payment_method", "latest_invoice"]})
    v1.subscriptions.list()
    waiting = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "payment_behavior": "default_incomplete"}
    )
    v1.invoices.pay(str(waiting.latest_invoice))
    voided = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "payment_behavior": "default_incomplete"}
    )
    v1.invoices.void_invoice(str(voided.latest_invoice))
    v1.subscriptions.cancel(waiting.id)
    v1.invoices.retrieve(paid.invoice)
    v1.invoices.list()
    v1.invoices.line_items.list(paid.invoice)
    payment: Any = v1.invoice_payments.list().data[0]
    v1.invoice_payments.retrieve(payment.id)
    v1.payment_intents.list()
    v1.payment_intents.retrieve(payment.payment.payment_intent, {"expand": ["latest_charge"]})
    charge = v1.charges.list().data[0]
    v1.charges.retrieve(charge.id, {"expand": ["refunds", "customer"]})
    refund = v1.refunds.create({"charge": charge.id})
    v1.refunds.retrieve(refund.id)
    v1.refunds.update(refund.id, {"metadata": {"a": "b"}})
    v1.refunds.list()
    trial = open_session(sandbox, price.id, subscription_data={"trial_period_days": 3})
    sandbox.control(f"checkout/{trial.id}/pay", {"card": "4242424242424242"})
    v1.setup_intents.retrieve(v1.setup_intents.list().data[0].id)
    v1.events.retrieve(v1.events.list().data[0].id)
    endpoint = v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    v1.webhook_endpoints.retrieve(endpoint.id)
    v1.webhook_endpoints.list()
    v1.webhook_endpoints.delete(endpoint.id)
    v1.payment_methods.detach(method)
    v1.customers.delete(v1.customers.create({}).id)
