"""The order of an invoice's lines: pending items, then the subscription's, the newest first; what is added last."""

from typing import Any

import pytest

from .lives import DAY, START, Life

FEBRUARY = START + 31 * DAY


@pytest.fixture
def life() -> Life:
    return Life()


def amounts(invoice: Any) -> list[int]:
    return [line["amount"] for line in invoice["lines"]["data"]]


def newest(life: Life, subscription: Any) -> Any:
    return life.get("/v1/invoices", subscription=subscription["id"])["data"][0]


def test_pending_items_then_the_items_then_what_is_added(life: Life) -> None:
    customer = life.customer()
    subscription = life.subscribe(customer, life.price(1000), life.price(2000))
    assert amounts(life.get(f"/v1/invoices/{subscription['latest_invoice']}")) == [2000, 1000]
    for days, amount in ((1, 11), (2, 22)):
        life.advance(START + days * DAY)
        life.post("/v1/invoiceitems", customer=customer, amount=amount, currency="usd")
    life.post("/v1/subscription_items", subscription=subscription["id"], price=life.price(3000), quantity=1)
    life.advance(FEBRUARY + 60)
    draft = newest(life, subscription)
    for amount in (33, 44):
        life.post("/v1/invoiceitems", customer=customer, amount=amount, currency="usd", invoice=draft["id"])
    prorated = 2806  # 29 of January's 31 days
    wanted = [prorated, 22, 11, 3000, 2000, 1000, 33, 44]
    assert amounts(life.get(f"/v1/invoices/{draft['id']}")) == wanted
    assert [line["amount"] for line in life.get(f"/v1/invoices/{draft['id']}/lines")["data"]] == wanted
    life.advance(FEBRUARY + 3700)
    assert (amounts(newest(life, subscription)), newest(life, subscription)["status"]) == (wanted, "paid")


def test_the_debit_of_a_change_comes_before_its_credit(life: Life) -> None:
    """As on real invoices: "Remaining time on ..." first, then "Unused time on ..."."""
    subscription = life.subscribe(life.customer(), life.price(1000))
    life.advance(START + 10 * DAY)
    item = {"id": subscription["items"]["data"][0]["id"], "price": life.price(2000), "quantity": 1}
    path, details = f"/v1/subscriptions/{subscription['id']}", {"items": [item], "proration_behavior": "always_invoice"}
    preview = life.post("/v1/invoices/create_preview", subscription=subscription["id"], subscription_details=details)
    life.post(path, **details)
    texts = [line["description"].split(" on ")[0] for line in newest(life, subscription)["lines"]["data"]]
    assert texts == ["Remaining time", "Unused time"]
    assert amounts(preview) == amounts(newest(life, subscription)) == [1355, -677]


def test_usage_has_the_place_of_its_item_and_tiers_stay_together(life: Life) -> None:
    name = "calls_in_order"
    meter = life.post("/v1/billing/meters", display_name=name, event_name=name, default_aggregation={"formula": "sum"})
    product = life.post("/v1/products", name="Calls")["id"]
    recurring = {"interval": "month", "usage_type": "metered", "meter": meter["id"]}
    tiers = [{"up_to": 10, "unit_amount": 5}, {"up_to": "inf", "unit_amount": 2}]
    usage = life.post(
        "/v1/prices",
        product=product,
        currency="usd",
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=tiers,
        recurring=recurring,
    )["id"]
    customer = life.customer()
    subscription = life.subscribe(customer, life.price(1000), usage, life.price(3000))
    payload = {"stripe_customer_id": customer, "value": "30"}
    life.post("/v1/billing/meter_events", event_name=name, payload=payload, timestamp=START)
    life.advance(FEBRUARY + 3700)
    assert amounts(newest(life, subscription)) == [3000, 50, 40, 1000]
