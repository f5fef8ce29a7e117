"""The sandbox's ten most used calls, beside what its HTTP server can do at all: a page of the control API.

One process answers everything under one lock, so calls per second are those of one core.
"""

import itertools
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import stripe

from bench import load
from bench.harness import Meter, Row, interleave
from bench.places import Place, Server
from tests.support import sandbox

SECONDS = 2.0
CONNECTIONS = 4
_HEADERS = {
    "Host": "127.0.0.1",
    "Authorization": "Bearer sk_test_bench",
    "Content-Type": "application/x-www-form-urlencoded",
}


def run(at: Place) -> list[Row]:
    """No aim: a row says how many calls a second a test or a person at the portal may count on."""
    with sandbox.running() as running:
        server = Server(int(urlsplit(running.url).port or 0), Meter(running.pid))
        calls = _calls(running)
        health = load.request("GET", "/_sandbox/health", _HEADERS)
        return [_row(at, server, name, message, health) for name, message in calls.items()]


def _row(at: Place, server: Server, name: str, message: bytes, health: bytes) -> Row:
    def sampled(request: bytes) -> Iterator[bytes]:
        return itertools.repeat(request)

    seconds = SECONDS * at.share
    rounds = interleave(
        {
            "subject": lambda: server.sample(sampled(message), seconds, connections=CONNECTIONS),
            "reference": lambda: server.sample(sampled(health), seconds, connections=CONNECTIONS),
        },
        at.rounds,
    )
    return Row(f"sandbox: {name} ÷ its health page", str(rounds.ratios(lambda one: one.rate)), sides=rounds.sides())


def _calls(running: sandbox.Sandbox) -> dict[str, bytes]:
    """The calls that a portal makes most, each by its method and path."""
    v1 = stripe.StripeClient("sk_test_bench", base_addresses={"api": running.url}).v1
    product = v1.products.create({"name": "Starter"})
    price = v1.prices.create(
        {"product": product.id, "currency": "usd", "unit_amount": 2900, "recurring": {"interval": "month"}}
    )
    session = v1.checkout.sessions.create(
        {"mode": "subscription", "line_items": [{"price": price.id, "quantity": 1}], "success_url": "http://a.test"}
    )
    paid = running.pay(session.id, email="bench@example.com")
    subscription = v1.subscriptions.retrieve(paid["subscription"])
    buying = {"mode": "subscription", "line_items[0][price]": price.id, "line_items[0][quantity]": "1"}
    changing = {"items[0][id]": subscription["items"].data[0].id, "items[0][quantity]": "2"}
    wanted = [
        ("POST", "/v1/customers", {"email": "bench@example.com"}),
        ("GET", f"/v1/customers/{subscription.customer}", {}),
        ("POST", "/v1/checkout/sessions", {**buying, "success_url": "http://a.test"}),
        ("GET", f"/v1/checkout/sessions/{session.id}", {"expand[]": "line_items"}),
        ("GET", f"/v1/subscriptions/{subscription.id}", {"expand[]": "latest_invoice"}),
        ("POST", f"/v1/subscriptions/{subscription.id}", {"metadata[seats]": "2"}),
        ("POST", "/v1/invoices/create_preview", _previewed(subscription.id, changing)),
        ("GET", f"/v1/invoices/{subscription.latest_invoice}", {"expand[]": "payments"}),
        ("GET", "/v1/events", {"limit": "100"}),
        ("GET", "/v1/prices", {"limit": "100", "expand[]": "data.product"}),
    ]
    return {f"{method} {_shape(path)}": _request(method, path, form) for method, path, form in wanted}


def _previewed(subscription: str, changing: dict[str, str]) -> dict[str, str]:
    details = {f"subscription_details[{name.replace('[', '][', 1)}": value for name, value in changing.items()}
    return {"subscription": subscription, **details}


def _shape(path: str) -> str:
    return "/".join("{id}" if "_" in part and part != "create_preview" else part for part in path.split("/"))


def _request(method: str, path: str, form: dict[str, str]) -> bytes:
    if method == "GET":
        return load.request(method, f"{path}?{urlencode(form)}" if form else path, _HEADERS)
    return load.request(method, path, _HEADERS, urlencode(form).encode())
