"""What many tests need: a price, an endpoint, a paid session."""

import uuid
from typing import Any

import stripe

from .conftest import Receiver, Sandbox


def product_with_price(
    sandbox: Sandbox, amount: int = 2900, *, interval: Any = "month"
) -> tuple[stripe.Product, stripe.Price]:
    product = sandbox.client.v1.products.create({"name": "Starter"})
    price = sandbox.client.v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": amount, "recurring": {"interval": interval}}
    )
    return product, price


def endpoint(sandbox: Sandbox, receiver: Receiver, events: Any = ("*",)) -> stripe.WebhookEndpoint:
    return sandbox.client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": list(events)})


def open_session(sandbox: Sandbox, price_id: str, **more: Any) -> stripe.checkout.Session:
    params: Any = {
        "mode": "subscription",
        "line_items": [{"price": price_id, "quantity": 1}],
        "success_url": "http://127.0.0.1:9/back?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:9/plans",
        **more,
    }
    return sandbox.client.v1.checkout.sessions.create(params)


def paid_session(sandbox: Sandbox, price_id: str, card: str = "4242424242424242", **more: Any) -> dict[str, Any]:
    session = open_session(sandbox, price_id, **more)
    paid: dict[str, Any] = sandbox.control(f"checkout/{session.id}/pay", {"card": card})
    return paid


def customer_with_card(sandbox: Sandbox, method: str = "pm_card_visa") -> tuple[stripe.Customer, str]:
    customer = sandbox.client.v1.customers.create({"email": f"{uuid.uuid4().hex}@example.com"})
    attached = sandbox.client.v1.payment_methods.attach(method, {"customer": customer.id})
    customer = sandbox.client.v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": attached.id}}
    )
    return customer, attached.id
