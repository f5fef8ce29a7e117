"""What the tests of Checkout need: sessions in each mode, paid as the page does, and the page as text."""

import html
import re
from typing import Any

import requests
import stripe

from .conftest import Sandbox

VISA = "4242424242424242"
FORM = {"email": "payer@example.com", "number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123"}


def session_for(sandbox: Sandbox, mode: str, *prices: str, **more: Any) -> stripe.checkout.Session:
    """An open session; one of each price."""
    params: Any = {"mode": mode, "success_url": "http://127.0.0.1:9/back?session={CHECKOUT_SESSION_ID}", **more}
    if prices:
        params["line_items"] = [{"price": price, "quantity": 1} for price in prices]
    if mode == "setup":
        params.setdefault("currency", "usd")
    return sandbox.client.v1.checkout.sessions.create(params)


def priced(sandbox: Sandbox, amount: int = 2900, *, name: str = "Starter", recurring: bool = True, **more: Any) -> str:
    product = sandbox.client.v1.products.create({"name": name})
    params: Any = {"product": product.id, "currency": "usd", "unit_amount": amount, **more}
    if recurring:
        params["recurring"] = {"interval": "month"}
    return sandbox.client.v1.prices.create(params).id


def settle(sandbox: Sandbox, session_id: str, *, status: int = 200, **body: Any) -> Any:
    """Pays as the page does, by the control API; without a method by card."""
    methods = ("card", "bank_account", "paypal", "payment_method")
    how = {} if any(name in body for name in methods) else {"card": VISA}
    return sandbox.control(f"checkout/{session_id}/pay", {**how, **body}, status=status)


def read(sandbox: Sandbox, session_id: str, *expand: str) -> Any:
    return sandbox.client.v1.checkout.sessions.retrieve(session_id, {"expand": list(expand)})


def text_of(answer: requests.Response) -> str:
    """What a person reads on a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def opened(session: Any, language: str = "en") -> requests.Response:
    return requests.get(str(session.url), headers={"Accept-Language": language}, timeout=10)


def send(session: Any, path: str = "", **fields: Any) -> requests.Response:
    """Sends a form of the page, without following where it leads."""
    return requests.post(f"{session.url}{path}", data=fields, allow_redirects=False, timeout=10)


def press(session: Any, **fields: Any) -> requests.Response:
    return send(session, **{**FORM, **fields})


def event_types(sandbox: Sandbox, session_id: str) -> list[str]:
    """What was told of a session, oldest first."""
    found = sandbox.look("events")["data"]
    return [event["type"] for event in found if event["data"]["object"].get("id") == session_id][::-1]
