"""Previews: equal to the invoice they preview, whatever is asked for, and nothing stays of them."""

from typing import Any

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Sandbox
from .lives import DAY, START, Life
from .money import refusal
from .test_plan_changes import FEBRUARY, Subscriber

FIGURES = ("total", "subtotal", "total_excluding_tax", "amount_due", "starting_balance", "period_start", "period_end")


def figures(invoice: Any) -> Any:
    """What a preview and its invoice have in common."""
    lines = [
        (
            line["amount"],
            line["description"],
            line["period"]["start"],
            line["period"]["end"],
            line["quantity"],
            sum(each["amount"] for each in line["discount_amounts"]),
            sum(each["amount"] for each in line["taxes"]),
        )
        for line in invoice["lines"]["data"]
    ]
    return [invoice[name] for name in FIGURES], lines


def preview(who: Subscriber, **details: Any) -> stripe.Invoice:
    params: Any = {"subscription": who.id, **({"subscription_details": details} if details else {})}
    return who.v1.invoices.create_preview(params)


def test_the_next_renewal(shared: Sandbox) -> None:
    who = Subscriber(shared)
    found = preview(who)
    assert found.id.startswith("upcoming_in_")
    assert (found.status, found.total, found.number) == ("draft", 1000, None)
    who.to(FEBRUARY + 28 * DAY + 3700)
    assert figures(found)[1] == figures(who.latest())[1]


def test_a_change_shows_the_renewal_with_its_prorations_and_changes_nothing(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    price = who.price(2000)
    before = shared.raw("GET", "/v1/events?limit=1").json()["data"][0]["id"]
    found = preview(who, items=[{"id": who.item, "price": price, "quantity": 1}])
    assert [line.amount for line in found.lines.data] == [1000, -500, 2000]
    assert (who.pending(), len(who.invoices())) == ([], 1)
    assert who.v1.subscriptions.retrieve(who.id)["items"].data[0].price.unit_amount == 1000
    assert shared.raw("GET", "/v1/events?limit=1").json()["data"][0]["id"] == before


@pytest.mark.parametrize("terms", [{"proration_behavior": "always_invoice"}, {"billing_cycle_anchor": {"type": "now"}}])
def test_a_change_that_bills_now(shared: Sandbox, terms: Any) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 9 * DAY)
    items = [{"id": who.item, "price": who.price(2300), "quantity": 3}]
    found = preview(who, items=items, **terms)
    who.change(items=items, **terms)
    assert figures(found) == figures(who.latest())
    assert found.status == "draft"


def test_the_same_proration_date_gives_the_same_amount_later(shared: Sandbox) -> None:
    who = Subscriber(shared)
    at = FEBRUARY + 9 * DAY + 4711
    who.to(at)
    terms: Any = {"items": [{"id": who.item, "price": who.price(2300), "quantity": 1}], "proration_date": at}
    found = preview(who, **terms, proration_behavior="always_invoice")
    who.to(at + 3 * DAY)
    who.change(**terms, proration_behavior="always_invoice")
    assert found.total == who.latest().total


def test_a_new_subscription(shared: Sandbox) -> None:
    who = Subscriber(shared)
    coupon = who.v1.coupons.create({"percent_off": 50}).id
    params: Any = {
        "customer": who.customer.id,
        "subscription_details": {"items": [{"price": who.price(3000), "quantity": 2}]},
        "discounts": [{"coupon": coupon}],
        "expand": ["discounts"],
    }
    found = who.v1.invoices.create_preview(params)
    assert (found.total, found.billing_reason) == (3000, "subscription_create")
    assert found.to_dict()["discounts"][0]["source"]["coupon"] == coupon
    assert len(who.v1.subscriptions.list({"customer": who.customer.id}).data) == 1
    assert who.v1.coupons.retrieve(coupon).times_redeemed == 0


def test_for_somebody_who_is_no_customer_yet(shared: Sandbox) -> None:
    who = Subscriber(shared)
    params: Any = {
        "customer_details": {"address": {"country": "DE"}},
        "subscription_details": {
            "items": [
                {"price_data": {"currency": "usd", "product": who.product, "recurring": {"interval": "month"},
                                "unit_amount": 700}}
            ]
        },
    }  # fmt: skip
    found = who.v1.invoices.create_preview(params)
    assert (found.total, found.customer) == (700, None)


def test_the_end_of_a_trial_and_invoice_items_of_the_preview(shared: Sandbox) -> None:
    who = Subscriber(shared, trial_period_days=14)
    params: Any = {
        "subscription": who.id,
        "subscription_details": {"trial_end": "now"},
        "invoice_items": [{"amount": 250, "currency": "usd", "description": "Setup"}],
    }
    assert who.v1.invoices.create_preview(params).total == 1250
    assert who.v1.invoice_items.list({"customer": who.customer.id}).data == []


def test_cancelling(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    assert preview(who, cancel_now=True).total == -500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        preview(who, cancel_at_period_end=True)
    assert refusal(refused.value)["code"] == "invoice_upcoming_none"
    assert who.v1.subscriptions.retrieve(who.id).status == "active"


def test_what_comes_every_time(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    items = [{"id": who.item, "price": who.price(2000), "quantity": 1}]
    params: Any = {"subscription": who.id, "subscription_details": {"items": items}, "preview_mode": "recurring"}
    assert who.v1.invoices.create_preview(params).total == 2000


def test_the_preview_of_a_planned_end_gives_back_what_the_end_does() -> None:
    life = Life()
    end = START + 10 * DAY
    path = f"/v1/subscriptions/{life.subscribe(life.customer(), life.price(3100))['id']}"
    life.post(path, cancel_at=end, proration_behavior="create_prorations")
    quoted = life.post("/v1/invoices/create_preview", subscription=path.rsplit("/", 1)[1])
    assert [line["amount"] for line in quoted["lines"]["data"]] == [-2100]
    life.advance(end + 3700)
    assert figures(quoted) == figures(life.get(f"/v1/invoices/{life.get(path)['latest_invoice']}"))


coupons = st.none() | st.fixed_dictionaries({"percent_off": st.integers(1, 100)}) | st.fixed_dictionaries(
    {"amount_off": st.integers(1, 5000), "currency": st.just("usd")}
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    old=st.integers(0, 10000),
    new=st.integers(0, 10000),
    quantities=st.tuples(st.integers(1, 7), st.integers(0, 7)),
    coupon=coupons,
    duration=st.sampled_from(["once", "forever"]),
    second=st.integers(1, 31 * DAY - 1),
    behavior=st.sampled_from(["always_invoice", "create_prorations", "now"]),
    rate=st.sampled_from([None, "7.5", "19"]),
    late=st.booleans(),
)
def test_a_preview_equals_its_invoice(
    old: int, new: int, quantities: tuple[int, int], coupon: Any, duration: str, second: int, behavior: str,
    rate: str | None, late: bool,
) -> None:  # fmt: skip
    """Bug 10 of stripe.md: the quoted total is the invoice's."""
    life = Life()
    more: Any = {}
    if rate is not None:
        made = life.post("/v1/tax_rates", display_name="VAT", percentage=rate, inclusive=False)
        more["default_tax_rates"] = [made["id"]]
    discount = [] if coupon is None else [{"coupon": life.post("/v1/coupons", duration=duration, **coupon)["id"]}]
    if discount and not late:
        more["discounts"] = discount
    items = [{"price": life.price(old), "quantity": quantities[0]}]
    subscription = life.post("/v1/subscriptions", customer=life.customer(), items=items, **more)
    life.advance(START + second)
    entry = {"id": subscription["items"]["data"][0]["id"], "price": life.price(new), "quantity": quantities[1]}
    how: Any = {"proration_behavior": behavior, "proration_date": START + second}
    if behavior == "now":
        how = {"billing_cycle_anchor": {"type": "now"}}
    top = {"discounts": discount} if discount and late else {}
    path = f"/v1/subscriptions/{subscription['id']}"
    details = {"items": [entry], **how}
    quoted = life.post("/v1/invoices/create_preview", subscription=subscription["id"],
                       subscription_details=details, **top)  # fmt: skip
    changed = life.post(path, items=[entry], **how, **top)
    if behavior == "create_prorations":
        life.advance(START + 31 * DAY + 3700)
        changed = life.get(path)
    assert figures(quoted) == figures(life.get(f"/v1/invoices/{changed['latest_invoice']}"))
