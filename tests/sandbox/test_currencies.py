"""Currencies that Stripe does not have: refused by every call that takes one."""

from typing import Any

import pytest

from sandbox.engine.money import CURRENCIES, SMALLEST_CHARGE, THREE_DECIMAL, ZERO_DECIMAL

from .lives import Life

KNOWN = ("customer", "price", "product", "subscription")
ITEMS = [{"price": "{price}"}]
BACK = "http://127.0.0.1:9/"
CALLS: dict[str, tuple[str, dict[str, Any], str]] = {
    "a price": ("prices", {"product": "{product}", "currency": "uds", "unit_amount": 100}, "currency"),
    "an option of a price": (
        "prices",
        {"product": "{product}", "currency": "usd", "unit_amount": 9, "currency_options": {"zzz": {"unit_amount": 1}}},
        "currency_options[zzz]",
    ),
    "a payment": ("payment_intents", {"amount": 1000, "currency": "uds"}, "currency"),
    "a coupon": ("coupons", {"amount_off": 100, "currency": "uds"}, "currency"),
    "an option of a coupon": (
        "coupons",
        {"amount_off": 100, "currency": "usd", "currency_options": {"zzz": {"amount_off": 1}}},
        "currency_options[zzz]",
    ),
    "an invoice": ("invoices", {"customer": "{customer}", "currency": "uds"}, "currency"),
    "an invoice item": ("invoiceitems", {"customer": "{customer}", "currency": "zzz", "amount": 100}, "currency"),
    "a balance": ("customers/{customer}/balance_transactions", {"currency": "uds", "amount": 100}, "currency"),
    "a subscription": ("subscriptions", {"customer": "{customer}", "currency": "uds", "items": ITEMS}, "currency"),
    "a preview": ("invoices/create_preview", {"subscription": "{subscription}", "currency": "uds"}, "currency"),
    "a phase": (
        "subscription_schedules",
        {"customer": "{customer}", "start_date": "now", "phases": [{"currency": "uds", "items": ITEMS}]},
        "phases[0][currency]",
    ),
    "Checkout": (
        "checkout/sessions",
        {
            "mode": "subscription",
            "currency": "uds",
            "line_items": [{"price": "{price}", "quantity": 1}],
            "success_url": BACK,
        },
        "currency",
    ),
    "Checkout that saves a card": (
        "checkout/sessions", {"mode": "setup", "currency": "uds", "success_url": BACK}, "currency"
    ),
    "a payout": ("payouts", {"amount": 100, "currency": "uds"}, "currency"),
}  # fmt: skip


@pytest.fixture(scope="module")
def life() -> Life:
    return Life()


@pytest.fixture(scope="module")
def known(life: Life) -> dict[str, str]:
    customer, price = life.customer(), life.price()
    subscription = life.subscribe(customer, price)["id"]
    product = life.get(f"/v1/prices/{price}")["product"]
    return dict(zip(KNOWN, (customer, price, product, subscription), strict=True))


def filled(value: Any, known: dict[str, str]) -> Any:
    """The parameters with the ids that stand for the braces."""
    if isinstance(value, dict):
        return {name: filled(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    return value.format(**known) if isinstance(value, str) else value


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_unknown_currency(life: Life, known: dict[str, str], call: tuple[str, dict[str, Any], str]) -> None:
    path, params, param = call
    error = life.call("POST", f"/v1/{path.format(**known)}", expect=400, **filled(params, known))["error"]
    code = "zzz" if "zzz" in str(params) else "uds"
    assert error["message"].startswith(
        f"Invalid currency: {code}. Stripe currently supports these currencies: usd, aed, afn, all, amd,"
    )
    assert (error["param"], error["type"]) == (param, "invalid_request_error")


def test_the_lists_agree() -> None:
    assert len(set(CURRENCIES)) == len(CURRENCIES)
    assert ZERO_DECIMAL | THREE_DECIMAL | SMALLEST_CHARGE.keys() <= set(CURRENCIES)
