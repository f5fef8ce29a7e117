"""The largest charge, 999,999.99: what is due beyond it is refused, and what happens by itself stays a draft."""

from typing import Any

import pytest

from .lives import DAY, START, Life

FEBRUARY = START + 31 * DAY
MOST = 99_999_999
MESSAGE = "Amount must be no more than $999,999.99"


@pytest.fixture
def life() -> Life:
    return Life()


def refused(life: Life, path: str, **params: Any) -> None:
    """Refused as too large, and nothing was done."""
    told = len(life.events())
    error = life.call("POST", path, expect=400, **params)["error"]
    assert (error["code"], error["message"]) == ("amount_too_large", MESSAGE)
    assert len(life.events()) == told


def newest(life: Life, subscription: Any) -> Any:
    return life.get("/v1/invoices", subscription=subscription["id"])["data"][0]


def test_a_payment_and_a_first_invoice(life: Life) -> None:
    customer, price = life.customer(), life.price(1000)
    refused(life, "/v1/payment_intents", amount=999_999_999_999, currency="usd")
    items = [{"price": price, "quantity": 1_000_000_000}]
    for terms in ({}, {"payment_behavior": "default_incomplete"}):
        refused(life, "/v1/subscriptions", customer=customer, items=items, **terms)
    refused(life, "/v1/invoices/create_preview", customer=customer, subscription_details={"items": items})
    assert life.get("/v1/subscriptions", customer=customer)["data"] == []
    most = life.post("/v1/subscriptions", customer=customer, items=[{"price": price, "quantity": 99_999}])
    assert most["status"] == "active"


def test_the_balance_counts(life: Life) -> None:
    """The limit is for what is due: credit takes it below."""
    customer = life.customer(balance=-1)
    subscription = life.subscribe(customer, life.price(MOST + 1))
    invoice = life.get(f"/v1/invoices/{subscription['latest_invoice']}")
    assert (invoice["status"], invoice["amount_due"]) == ("paid", MOST)


def test_a_change_that_bills_now(life: Life) -> None:
    subscription = life.subscribe(life.customer(), life.price(1000))
    path, item = f"/v1/subscriptions/{subscription['id']}", subscription["items"]["data"][0]["id"]
    refused(life, path, items=[{"id": item, "quantity": 200_000}], proration_behavior="always_invoice")
    assert life.get(path)["items"]["data"][0]["quantity"] == 1


def test_a_renewal_waits_as_a_draft_until_somebody_mends_it(life: Life) -> None:
    subscription = life.subscribe(life.customer(), life.price(1000))
    path, item = f"/v1/subscriptions/{subscription['id']}", subscription["items"]["data"][0]["id"]
    life.post(path, items=[{"id": item, "quantity": 200_000}], proration_behavior="none")
    life.advance(FEBRUARY + 3700)
    stuck = newest(life, subscription)
    assert (stuck["status"], stuck["amount_due"], stuck["automatically_finalizes_at"]) == ("draft", 200_000_000, None)
    error = stuck["last_finalization_error"]
    assert (error["type"], error["code"], error["message"]) == ("invalid_request_error", "amount_too_large", MESSAGE)
    failed = [event for event in life.events() if event["type"] == "invoice.finalization_failed"]
    assert [event["data"]["object"]["id"] for event in failed] == [stuck["id"]]
    assert life.get(path)["status"] == "active"
    for verb in ("finalize", "pay"):
        refused(life, f"/v1/invoices/{stuck['id']}/{verb}")
    credit = {"amount": -150_000_000, "currency": "usd", "invoice": stuck["id"]}
    life.post("/v1/invoiceitems", customer=subscription["customer"], **credit)
    done = life.post(f"/v1/invoices/{stuck['id']}/pay")
    assert (done["status"], done["amount_paid"], done["last_finalization_error"]) == ("paid", 50_000_000, None)


def test_a_renewal_while_collection_is_paused(life: Life) -> None:
    subscription = life.subscribe(life.customer(), life.price(1000))
    path, item = f"/v1/subscriptions/{subscription['id']}", subscription["items"]["data"][0]["id"]
    terms: Any = {"proration_behavior": "none", "pause_collection": {"behavior": "void"}}
    life.post(path, items=[{"id": item, "quantity": 200_000}], **terms)
    life.advance(FEBRUARY + 3700)
    assert (newest(life, subscription)["status"], life.get(path)["status"]) == ("draft", "active")
    assert life.get(path)["items"]["data"][0]["current_period_start"] == FEBRUARY


@pytest.mark.parametrize("mode", ["subscription", "payment"])
def test_checkout(life: Life, mode: str) -> None:
    product = life.post("/v1/products", name="Seat")["id"]
    recurring = {"recurring": {"interval": "month"}} if mode == "subscription" else {}
    price = life.post("/v1/prices", product=product, currency="usd", unit_amount=1000, **recurring)["id"]
    items = [{"price": price, "quantity": 100_000}]
    refused(life, "/v1/checkout/sessions", mode=mode, line_items=items, success_url="http://127.0.0.1:9/")
