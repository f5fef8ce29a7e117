"""Automatic tax: by where the customer is, where the account is registered, and how the price contains tax."""

from typing import Any

import pytest

from sandbox.engine import account_settings

from .lives import DAY, START, Life


@pytest.fixture
def life() -> Life:
    life = Life()
    life.store.run(account_settings.change, {"tax_registrations": {"ES": 21, "US-CA": 7.25}})
    return life


def price(life: Life, behavior: str) -> str:
    product = life.post("/v1/products", name="Taxed")["id"]
    made = life.post(
        "/v1/prices", product=product, currency="usd", unit_amount=1210, recurring={"interval": "month"},
        tax_behavior=behavior,
    )  # fmt: skip
    return str(made["id"])


def first_invoice(life: Life, customer: str, *prices: str) -> Any:
    made = life.subscribe(customer, *prices, automatic_tax={"enabled": True})
    return life.get(f"/v1/invoices/{made['latest_invoice']}")


def test_prices_with_and_without_tax(life: Life) -> None:
    customer = life.customer(address={"country": "ES"})
    invoice = first_invoice(life, customer, price(life, "inclusive"), price(life, "exclusive"))
    assert [line["taxes"][0]["amount"] for line in invoice["lines"]["data"]] == [254, 210]
    assert (invoice["subtotal"], invoice["total"], invoice["total_excluding_tax"]) == (2420, 2674, 2210)
    assert {tax["taxability_reason"] for tax in invoice["total_taxes"]} == {"standard_rated"}
    rate = life.get(f"/v1/tax_rates/{invoice['total_taxes'][1]['tax_rate_details']['tax_rate']}")
    assert (rate["country"], rate["percentage"], rate["effective_percentage"], rate["active"]) == ("ES", 21, 21, False)
    again = first_invoice(life, life.customer(address={"country": "ES"}), price(life, "inclusive"))
    assert again["total_taxes"][0]["tax_rate_details"]["tax_rate"] == rate["id"]


@pytest.mark.parametrize(
    ("address", "total"),
    [
        ({"country": "US", "state": "CA"}, 1298),
        ({"country": "US", "state": "NY"}, 1210),
        ({"country": "FR"}, 1210),
    ],
)
def test_only_where_the_account_is_registered(life: Life, address: dict[str, str], total: int) -> None:
    assert first_invoice(life, life.customer(address=address), price(life, "unspecified"))["total"] == total


def test_a_customer_without_a_location(life: Life) -> None:
    customer, wanted = life.customer(), price(life, "exclusive")
    refused = life.call(
        "POST", "/v1/subscriptions", expect=400, customer=customer, items=[{"price": wanted}],
        automatic_tax={"enabled": True},
    )  # fmt: skip
    assert refused["error"]["code"] == "customer_tax_location_invalid"
    life.post(f"/v1/customers/{customer}", address={"country": "ES"})
    first_invoice(life, customer, wanted)
    life.post(f"/v1/customers/{customer}", address="")
    life.advance(START + 31 * DAY + 60)
    waiting = life.get("/v1/invoices", customer=customer)["data"][0]
    assert waiting["automatic_tax"]["status"] == "requires_location_inputs"
    life.advance(START + 31 * DAY + 3700)
    final = life.get("/v1/invoices", customer=customer)["data"][0]
    assert (final["status"], final["total"]) == ("paid", 1210)
    assert final["automatic_tax"]["disabled_reason"] == "finalization_requires_location_inputs"


def test_rates_by_hand_and_automatic_tax_exclude_each_other(life: Life) -> None:
    rate = life.post("/v1/tax_rates", display_name="Tax", percentage=10, inclusive=False)["id"]
    customer, wanted = life.customer(address={"country": "ES"}), price(life, "exclusive")
    both: Any = {"automatic_tax": {"enabled": True}, "default_tax_rates": [rate]}
    life.call("POST", "/v1/subscriptions", expect=400, customer=customer, items=[{"price": wanted}], **both)
    life.call("POST", "/v1/invoices", expect=400, customer=customer, **both)
    made = life.subscribe(customer, wanted, default_tax_rates=[rate])
    life.call("POST", f"/v1/subscriptions/{made['id']}", expect=400, automatic_tax={"enabled": True})
    changed = life.post(f"/v1/subscriptions/{made['id']}", default_tax_rates="", automatic_tax={"enabled": True})
    assert changed["automatic_tax"]["enabled"]
    life.advance(START + 31 * DAY + 3700)
    assert [invoice["total"] for invoice in life.get("/v1/invoices", customer=customer)["data"]] == [1464, 1331]


@pytest.mark.parametrize("given", [{"Spain": 21}, {"ES": 101}, {"ES": "21"}, {"ES": True}])
def test_wrong_registrations(life: Life, given: Any) -> None:
    with pytest.raises(ValueError, match="tax_registrations"):
        life.store.run(account_settings.change, {"tax_registrations": given})
