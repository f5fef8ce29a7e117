"""Products, prices, customers, methods, refunds, events, endpoints: one behaviour a test."""

import re
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import customer_with_card, paid_session, product_with_price


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
