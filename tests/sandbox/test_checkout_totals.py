"""What a Checkout session says it costs is what its first invoice, or its payment, takes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.engine import checkout_payment
from sandbox.engine.checkout_methods import CardEntry
from sandbox.engine.checkout_payment import Payer

from .lives import DAY, START, Life

CARD = CardEntry("4242424242424242", 12, 2034, "123")
PERCENTAGES = st.sampled_from(["5", "7.25", "19", "21", "8.8750", "33.3333"])


@pytest.fixture(scope="module")
def life() -> Life:
    return Life()


ITEMS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["flat", "flat", "flat", "graduated", "volume", "once"]),
        "amount": st.integers(0, 20_000),
        "quantity": st.integers(1, 7),
        "taxes": st.lists(st.tuples(PERCENTAGES, st.booleans()), max_size=2),
    }
)
DISCOUNTS = st.one_of(
    st.none(),
    st.fixed_dictionaries({"percent_off": st.sampled_from([1, 12.5, 33.33, 50, 100])}),
    st.fixed_dictionaries({"amount_off": st.integers(1, 30_000), "currency": st.just("usd")}),
)
ORDERS = st.fixed_dictionaries(
    {
        "items": st.lists(ITEMS, min_size=1, max_size=4),
        "discount": DISCOUNTS,
        "duration": st.sampled_from(["once", "forever"]),
        "only_first_product": st.booleans(),
        "default_taxes": st.lists(st.tuples(PERCENTAGES, st.booleans()), max_size=1),
        "trial_days": st.sampled_from([None, None, 14]),
        "anchor_days": st.sampled_from([None, None, 1, 11]),
        "exempt": st.sampled_from(["none", "none", "exempt", "reverse"]),
        "balance": st.sampled_from([0, 0, -700, -50_000, 300]),
    }
)
LIVELY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(order=ORDERS)
@LIVELY
def test_a_subscription_session_equals_its_first_invoice(life: Life, order: dict[str, Any]) -> None:
    if all(item["kind"] == "once" for item in order["items"]):
        order["items"][0]["kind"] = "flat"
    about = {"tax_exempt": order["exempt"], "balance": order["balance"]}
    customer = life.post("/v1/customers", email="total@example.com", **about)
    session = open_session(life, customer["id"], order)
    assert session is not None
    due = pay(life, session["id"])
    done = life.get(f"/v1/checkout/sessions/{session['id']}", expand=["invoice"])
    invoice = done["invoice"]
    assert figures(session) == figures(done)
    assert (done["amount_subtotal"], done["amount_total"]) == (invoice["subtotal"], invoice["total"])
    assert done["total_details"]["amount_discount"] == total(invoice["total_discount_amounts"])
    assert done["total_details"]["amount_tax"] == total(invoice["total_taxes"])
    assert due == invoice["amount_due"]
    assert invoice["status"] == "paid"
    assert done["payment_status"] == ("paid" if due else "no_payment_required")


@given(order=ORDERS)
@LIVELY
def test_a_payment_session_equals_its_payment_and_its_invoice(life: Life, order: dict[str, Any]) -> None:
    for item in order["items"]:
        item["kind"] = "once"
    customer = life.post("/v1/customers", email="once@example.com", tax_exempt=order["exempt"])
    session = open_session(life, customer["id"], order, mode="payment", invoice_creation={"enabled": True})
    if session is None:
        return
    pay(life, session["id"])
    done = life.get(f"/v1/checkout/sessions/{session['id']}", expand=["invoice", "payment_intent"])
    assert figures(session) == figures(done)
    invoice = done["invoice"]
    assert (done["amount_subtotal"], done["amount_total"]) == (invoice["subtotal"], invoice["total"])
    assert done["total_details"]["amount_discount"] == total(invoice["total_discount_amounts"])
    assert done["total_details"]["amount_tax"] == total(invoice["total_taxes"])
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", done["amount_total"])
    intent = done["payment_intent"]
    assert (intent["amount_received"] if intent else 0) == done["amount_total"]


def open_session(life: Life, customer: str, order: dict[str, Any], mode: str = "subscription", **more: Any) -> Any:
    """The session of an order, checked against its own items; None where Stripe takes no such small amount."""
    items = [line_item(life, item) for item in order["items"]]
    params: dict[str, Any] = {"mode": mode, "customer": customer, "success_url": "http://127.0.0.1:9/", **more}
    params["line_items"] = items
    if order["discount"] is not None:
        params["discounts"] = [{"coupon": coupon(life, order, items)}]
    if mode == "subscription":
        params["subscription_data"] = subscription_data(life, order)
    expand = ["line_items", "total_details.breakdown"]
    session = life.call("POST", "/v1/checkout/sessions", expect=0, expand=expand, **params)
    if "error" in session:
        assert session["error"]["code"] == "amount_too_small", session
        return None
    lines = session["line_items"]["data"]
    for name in ("amount_subtotal", "amount_total"):
        assert session[name] == sum(line[name] for line in lines)
    details = session["total_details"]
    assert details["amount_discount"] == sum(line["amount_discount"] for line in lines)
    assert details["amount_discount"] == total(details["breakdown"]["discounts"])
    assert details["amount_tax"] == sum(line["amount_tax"] for line in lines)
    assert details["amount_tax"] == total(details["breakdown"]["taxes"])
    return session


def subscription_data(life: Life, order: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"description": "An order"}
    if order["default_taxes"]:
        data["default_tax_rates"] = rates(life, order["default_taxes"])
    if order["trial_days"]:
        data["trial_period_days"] = order["trial_days"]
    elif order["anchor_days"]:
        data["billing_cycle_anchor"] = START + order["anchor_days"] * DAY
    return data


def line_item(life: Life, item: dict[str, Any]) -> dict[str, Any]:
    product = life.post("/v1/products", name=item["kind"])["id"]
    params: dict[str, Any] = {"product": product, "currency": "usd"}
    if item["kind"] != "once":
        params["recurring"] = {"interval": "month"}
    if item["kind"] in ("graduated", "volume"):
        first = {"up_to": 3, "unit_amount": item["amount"], "flat_amount": 250}
        params.update(
            billing_scheme="tiered",
            tiers_mode=item["kind"],
            tiers=[first, {"up_to": "inf", "unit_amount_decimal": "33.4"}],
        )
    else:
        params["unit_amount"] = item["amount"]
    found = {"price": life.post("/v1/prices", **params)["id"], "quantity": item["quantity"]}
    return {**found, "tax_rates": rates(life, item["taxes"])} if item["taxes"] else found


def rates(life: Life, wanted: list[tuple[str, bool]]) -> list[str]:
    return [
        life.post("/v1/tax_rates", display_name="Tax", percentage=percentage, inclusive=inclusive)["id"]
        for percentage, inclusive in wanted
    ]


def coupon(life: Life, order: dict[str, Any], items: list[dict[str, Any]]) -> str:
    terms = {**order["discount"], "duration": order["duration"]}
    if order["only_first_product"]:
        terms["applies_to"] = {"products": [life.get(f"/v1/prices/{items[0]['price']}")["product"]]}
    return str(life.post("/v1/coupons", **terms)["id"])


def pay(life: Life, session_id: str) -> int:
    """What the page asks for (minor units), paid."""
    with life.store.transaction() as work:
        session = work.read("checkout.session", session_id)
        due = checkout_payment.due(work, session)
        needed = checkout_payment.needs_method(work, session)
    life.store.run(checkout_payment.submit, session_id, Payer(email="payer@example.com"), CARD if needed else None)
    return due


def figures(session: Any) -> tuple[Any, ...]:
    details = session["total_details"]
    return session["amount_subtotal"], session["amount_total"], details["amount_discount"], details["amount_tax"]


def total(amounts: list[Any]) -> int:
    return sum(each["amount"] for each in amounts)
