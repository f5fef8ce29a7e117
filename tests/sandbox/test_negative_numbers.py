"""A quantity, or a number of days, below zero: refused by every call that takes one, and nothing is done."""

from collections.abc import Callable
from typing import Any

import pytest

from .lives import Life


@pytest.fixture(scope="module")
def life() -> Life:
    return Life()


@pytest.fixture(scope="module")
def known(life: Life) -> dict[str, str]:
    """One object of each kind that the calls need, by its kind."""
    customer, price = life.customer(), life.price()
    product = life.post("/v1/products", name="Setup")["id"]
    subscription = life.subscribe(customer, price)
    draft = life.post("/v1/invoices", customer=customer)["id"]
    item = life.post("/v1/invoiceitems", customer=customer, amount=100, currency="usd", invoice=draft)["id"]
    sent = life.post("/v1/invoices", customer=customer, collection_method="send_invoice", days_until_due=3)["id"]
    return {
        "customer": customer,
        "price": price,
        "once": life.post("/v1/prices", product=product, currency="usd", unit_amount=500)["id"],
        "subscription": subscription["id"],
        "item": subscription["items"]["data"][0]["id"],
        "invoice": subscription["latest_invoice"],
        "line": life.get(f"/v1/invoices/{subscription['latest_invoice']}")["lines"]["data"][0]["id"],
        "invoiceitem": item,
        "sent": sent,
    }


def _items(known: dict[str, str]) -> list[Any]:
    return [{"price": known["price"], "quantity": -3}]


def _phase(known: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"items": [{"price": known["price"], **more}], "duration": {"interval": "month"}}


QUANTITIES: dict[str, Callable[[dict[str, str]], tuple[str, dict[str, Any], str]]] = {
    "a new subscription": lambda k: (
        "/v1/subscriptions", {"customer": k["customer"], "items": _items(k)}, "items[0][quantity]"
    ),
    "its added items": lambda k: (
        "/v1/subscriptions",
        {
            "customer": k["customer"],
            "items": [{"price": k["price"]}],
            "add_invoice_items": [{"price": k["once"], "quantity": -1}],
        },
        "add_invoice_items[0][quantity]",
    ),
    "a change of plan": lambda k: (
        f"/v1/subscriptions/{k['subscription']}",
        {"items": [{"id": k["item"], "quantity": -1}]},
        "items[0][quantity]",
    ),
    "a new item of a subscription": lambda k: (
        "/v1/subscription_items", {"subscription": k["subscription"], **_items(k)[0]}, "quantity"
    ),
    "an item of a subscription": lambda k: (f"/v1/subscription_items/{k['item']}", {"quantity": -1}, "quantity"),
    "a preview of a new subscription": lambda k: (
        "/v1/invoices/create_preview",
        {"customer": k["customer"], "subscription_details": {"items": _items(k)}},
        "items[0][quantity]",
    ),
    "a preview of a change": lambda k: (
        "/v1/invoices/create_preview",
        {"subscription": k["subscription"], "subscription_details": {"items": [{"id": k["item"], "quantity": -1}]}},
        "items[0][quantity]",
    ),
    "a preview's invoice items": lambda k: (
        "/v1/invoices/create_preview",
        {"customer": k["customer"], "invoice_items": [{"price": k["once"], "quantity": -1}]},
        "quantity",
    ),
    "a schedule": lambda k: (
        "/v1/subscription_schedules",
        {"customer": k["customer"], "start_date": "now", "phases": [_phase(k, quantity=-3)]},
        "phases[0][items][0][quantity]",
    ),
    "an invoice item": lambda k: (
        "/v1/invoiceitems", {"customer": k["customer"], "pricing": {"price": k["once"]}, "quantity": -1}, "quantity"
    ),
    "an invoice item with decimals": lambda k: (
        "/v1/invoiceitems",
        {"customer": k["customer"], "pricing": {"price": k["once"]}, "quantity_decimal": "-0.5"},
        "quantity_decimal",
    ),
    "a change of an invoice item": lambda k: (
        f"/v1/invoiceitems/{k['invoiceitem']}", {"quantity": -1, "unit_amount_decimal": "5"}, "quantity"
    ),
    "a credit note": lambda k: (
        "/v1/credit_notes",
        {
            "invoice": k["invoice"],
            "lines": [{"type": "invoice_line_item", "invoice_line_item": k["line"], "quantity": -1}],
        },
        "lines[0][quantity]",
    ),
}  # fmt: skip

SENT = {"collection_method": "send_invoice", "days_until_due": -3}
DAYS: dict[str, Callable[[dict[str, str]], tuple[str, dict[str, Any], str]]] = {
    "a new subscription": lambda k: (
        "/v1/subscriptions", {"customer": k["customer"], "items": [{"price": k["price"]}], **SENT}, "days_until_due"
    ),
    "a subscription": lambda k: (f"/v1/subscriptions/{k['subscription']}", SENT, "days_until_due"),
    "a trial": lambda k: (
        "/v1/subscriptions",
        {"customer": k["customer"], "items": [{"price": k["price"]}], "trial_period_days": -1},
        "trial_period_days",
    ),
    "a new invoice": lambda k: ("/v1/invoices", {"customer": k["customer"], **SENT}, "days_until_due"),
    "an invoice": lambda k: (f"/v1/invoices/{k['sent']}", {"days_until_due": -3}, "days_until_due"),
    "a phase": lambda k: (
        "/v1/subscription_schedules",
        {
            "customer": k["customer"],
            "start_date": "now",
            "phases": [
                {
                    **_phase(k),
                    "collection_method": "send_invoice",
                    "invoice_settings": {"days_until_due": -3},
                }
            ],
        },
        "phases[0][invoice_settings][days_until_due]",
    ),
    "a schedule": lambda k: (
        "/v1/subscription_schedules",
        {
            "customer": k["customer"],
            "start_date": "now",
            "phases": [_phase(k)],
            "default_settings": {
                "collection_method": "send_invoice",
                "invoice_settings": {"days_until_due": -3},
            },
        },
        "default_settings[invoice_settings][days_until_due]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "call", [*QUANTITIES.values(), *DAYS.values()], ids=[*QUANTITIES, *(f"days, {x}" for x in DAYS)]
)
def test_below_zero(
    life: Life, known: dict[str, str], call: Callable[[dict[str, str]], tuple[str, dict[str, Any], str]]
) -> None:
    path, params, param = call(known)
    told, balance = len(life.events()), life.get(f"/v1/customers/{known['customer']}")["balance"]
    error = life.call("POST", path, expect=400, **params)["error"]
    assert (error["code"], error["message"]) == ("parameter_invalid_integer", "Invalid non-negative integer")
    assert error["param"] == param
    assert (len(life.events()), life.get(f"/v1/customers/{known['customer']}")["balance"]) == (told, balance)


def test_none_of_something_is_allowed(life: Life, known: dict[str, str]) -> None:
    """Stripe's: a quantity of 0 is a subscription that costs nothing."""
    items = [{"price": known["price"], "quantity": 0}]
    free = life.post("/v1/subscriptions", customer=known["customer"], items=items)
    assert (free["status"], life.get(f"/v1/invoices/{free['latest_invoice']}")["total"]) == ("active", 0)
