"""Subscriptions with discounts and tax rates through their invoices: once, repeating, forever, on items, stacked."""

from typing import Any

import pytest

from .lives import DAY, START, Life

MONTHS = [0, 31, 59, 90, 120]


@pytest.fixture
def life() -> Life:
    return Life()


def totals(life: Life, subscription: Any, months: int) -> list[int]:
    """The totals of the invoices of the first months, oldest first."""
    for month in range(1, months):
        life.advance(START + MONTHS[month] * DAY + 3700)
    found = life.get("/v1/invoices", subscription=subscription["id"], limit=100)["data"]
    return [invoice["total"] for invoice in reversed(found)]


def coupon(life: Life, **terms: Any) -> str:
    return str(life.post("/v1/coupons", **terms)["id"])


def types_of(life: Life, prefix: str) -> list[str]:
    return [event["type"] for event in life.events() if event["type"].startswith(prefix)]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"percent_off": 50}, [1450, 2900, 2900, 2900]),
        ({"percent_off": 50, "duration": "repeating", "duration_in_months": 2}, [1450, 1450, 2900, 2900]),
        ({"percent_off": 10, "duration": "forever"}, [2610, 2610, 2610, 2610]),
        ({"amount_off": 500, "currency": "usd", "duration": "forever"}, [2400, 2400, 2400, 2400]),
        ({"amount_off": 5000, "currency": "usd"}, [0, 2900, 2900, 2900]),
    ],
)
def test_how_long_a_discount_lasts(life: Life, terms: dict[str, Any], expected: list[int]) -> None:
    subscription = life.subscribe(life.customer(), life.price(), discounts=[{"coupon": coupon(life, **terms)}])
    assert totals(life, subscription, 4) == expected
    left = life.get(f"/v1/subscriptions/{subscription['id']}")["discounts"]
    lasting = terms.get("duration") == "forever"
    assert len(left) == int(lasting)
    assert types_of(life, "customer.discount") == [
        "customer.discount.created",
        *([] if lasting else ["customer.discount.deleted"]),
    ]


def test_a_discount_for_one_invoice_waits_for_the_first_that_costs_something(life: Life) -> None:
    given = [{"coupon": coupon(life, percent_off=50)}]
    subscription = life.subscribe(life.customer(), life.price(), discounts=given, trial_period_days=14)
    life.advance(START + 14 * DAY + 3700)
    life.advance(START + 45 * DAY + 3700)
    found = life.get("/v1/invoices", subscription=subscription["id"])["data"]
    assert [invoice["total"] for invoice in reversed(found)] == [0, 1450, 2900]


def test_a_draft_holds_its_discount_until_it_is_final(life: Life) -> None:
    subscription = life.subscribe(life.customer(), life.price())
    given = [{"coupon": coupon(life, percent_off=50)}]
    path = f"/v1/subscriptions/{subscription['id']}"
    changed = life.post(path, discounts=given)
    life.advance(START + 31 * DAY + 60)
    waiting = life.get("/v1/invoices", subscription=subscription["id"])["data"][0]
    assert (waiting["status"], waiting["total"]) == ("draft", 1450)
    assert life.get(path)["discounts"] == changed["discounts"]
    life.advance(START + 31 * DAY + 3700)
    final = life.get(f"/v1/invoices/{waiting['id']}", expand=["discounts.source.coupon"])
    assert (final["status"], final["discounts"][0]["source"]["coupon"]["percent_off"]) == ("paid", 50)
    assert life.get(path)["discounts"] == []


def test_items_first_then_the_subscription_in_the_order_given(life: Life) -> None:
    customer, first, second = life.customer(), life.price(4000), life.price(2000)
    item_coupon, all_coupon = coupon(life, amount_off=1000, currency="usd"), coupon(life, percent_off=10)
    subscription = life.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": first, "discounts": [{"coupon": item_coupon}]}, {"price": second}],
        discounts=[{"coupon": all_coupon}, {"coupon": coupon(life, amount_off=470, currency="usd")}],
    )
    invoice = life.get(f"/v1/invoices/{subscription['latest_invoice']}")
    two, one = invoice["lines"]["data"]
    assert [each["amount"] for each in one["discount_amounts"]] == [1000, 300, 282]
    assert [each["amount"] for each in two["discount_amounts"]] == [200, 188]
    assert (invoice["subtotal"], invoice["total"]) == (5000, 4030)
    assert len(one["discounts"]) == 1
    assert two["discounts"] == []
    assert [each["amount"] for each in invoice["total_discount_amounts"]] == [1000, 500, 470]
    item = life.get(f"/v1/subscriptions/{subscription['id']}")["items"]["data"][0]
    assert item["discounts"] == []


def test_discounts_are_kept_replaced_and_cleared(life: Life) -> None:
    forever = {"percent_off": 10, "duration": "forever"}
    first, second = coupon(life, **forever), coupon(life, **forever)
    subscription = life.subscribe(life.customer(), life.price(), discounts=[{"coupon": first}])
    path, kept = f"/v1/subscriptions/{subscription['id']}", subscription["discounts"][0]
    both = life.post(path, discounts=[{"coupon": second}, {"discount": kept}])["discounts"]
    assert (both[1], len(both)) == (kept, 2)
    assert life.post(path, discounts=[{"discount": both[0]}])["discounts"] == [both[0]]
    assert life.post(path, discounts="")["discounts"] == []
    assert types_of(life, "customer.discount") == [
        "customer.discount.created",
        "customer.discount.created",
        "customer.discount.deleted",
        "customer.discount.deleted",
    ]
    life.post(path, discounts=[{"discount": kept}], expect=400)
    life.post(path, discounts=[{"coupon": first, "discount": kept}], expect=400)
    assert life.get(f"/v1/coupons/{first}")["times_redeemed"] == 1


def test_deleting_the_discount_of_a_subscription(life: Life) -> None:
    given = [{"coupon": coupon(life, percent_off=10, duration="forever")}]
    subscription = life.subscribe(life.customer(), life.price(), discounts=given)
    path = f"/v1/subscriptions/{subscription['id']}"
    gone = life.call("DELETE", f"{path}/discount")
    assert (gone["deleted"], gone["id"]) == (True, subscription["discounts"][0])
    assert life.get(path)["discounts"] == []
    life.call("DELETE", f"{path}/discount", expect=404)


def test_a_coupon_of_another_currency_and_a_minimum_that_is_not_reached(life: Life) -> None:
    customer, price = life.customer(), life.price()
    euro = coupon(life, amount_off=500, currency="eur")
    life.post(
        "/v1/subscriptions", customer=customer, items=[{"price": price}], discounts=[{"coupon": euro}], expect=400
    )
    code = life.post(
        "/v1/promotion_codes",
        promotion={"type": "coupon", "coupon": coupon(life, percent_off=10)},
        restrictions={"minimum_amount": 5800, "minimum_amount_currency": "usd"},
    )
    given = [{"promotion_code": code["id"]}]
    life.post("/v1/subscriptions", customer=customer, items=[{"price": price}], discounts=given, expect=400)
    made = life.post("/v1/subscriptions", customer=customer, items=[{"price": price, "quantity": 2}], discounts=given)
    assert life.get(f"/v1/invoices/{made['latest_invoice']}")["total"] == 5220


def test_a_coupon_for_one_product(life: Life) -> None:
    customer, wanted, other = life.customer(), life.price(2000), life.price(3000)
    product = life.get(f"/v1/prices/{wanted}")["product"]
    only = coupon(life, percent_off=50, duration="forever", applies_to={"products": [product]})
    subscription = life.subscribe(customer, wanted, other, discounts=[{"coupon": only}])
    assert totals(life, subscription, 2) == [4000, 4000]


def test_tax_rates_of_the_subscription_and_of_one_item(life: Life) -> None:
    def rate(percentage: float, *, inclusive: bool = False) -> str:
        made = life.post("/v1/tax_rates", display_name="Tax", percentage=percentage, inclusive=inclusive)
        return str(made["id"])

    customer, first, second = life.customer(), life.price(1000), life.price(1200)
    general, own = rate(10), rate(20, inclusive=True)
    subscription = life.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": first}, {"price": second, "tax_rates": [own]}],
        default_tax_rates=[general],
        discounts=[{"coupon": coupon(life, percent_off=50, duration="forever")}],
    )
    assert [each["id"] for each in subscription["default_tax_rates"]] == [general]
    assert totals(life, subscription, 2) == [1150, 1150]
    invoice = life.get("/v1/invoices", subscription=subscription["id"])["data"][0]
    taxes = [(line["taxes"][0]["amount"], line["taxes"][0]["tax_behavior"]) for line in invoice["lines"]["data"]]
    assert taxes == [(100, "inclusive"), (50, "exclusive")]
    assert (invoice["subtotal"], invoice["subtotal_excluding_tax"]) == (2200, 2000)
    life.post(f"/v1/subscriptions/{subscription['id']}", default_tax_rates="")
    life.advance(START + 59 * DAY + 3700)
    assert life.get("/v1/invoices", subscription=subscription["id"])["data"][0]["total"] == 1100


def test_invoices_by_hand_have_discounts_and_rates_of_their_own(life: Life) -> None:
    customer = life.customer()
    rate = life.post("/v1/tax_rates", display_name="Tax", percentage=10, inclusive=False)["id"]
    life.post("/v1/invoiceitems", customer=customer, amount=1000, currency="usd")
    invoice = life.post(
        "/v1/invoices",
        customer=customer,
        pending_invoice_items_behavior="include",
        default_tax_rates=[rate],
        discounts=[{"coupon": coupon(life, amount_off=200, currency="usd")}],
    )
    assert (invoice["subtotal"], invoice["total"]) == (1000, 880)
    path = f"/v1/invoices/{invoice['id']}"
    assert life.post(path, discounts=[{"discount": invoice["discounts"][0]}])["total"] == 880
    assert life.post(path, discounts="")["total"] == 1100
    assert life.post(path, default_tax_rates="")["total"] == 1000
    assert types_of(life, "customer.discount") == []


def test_a_customer_joins_a_clock_with_items_and_a_discount_that_ends() -> None:
    life = Life()
    customer = life.post("/v1/customers", name="Late")["id"]
    method = life.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    life.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": method})
    given = [{"coupon": coupon(life, percent_off=50, duration="repeating", duration_in_months=1)}]
    made = life.subscribe(customer, life.price(), discounts=given)
    life.post("/v1/invoiceitems", customer=customer, amount=100, currency="usd")
    life.clock = life.post("/v1/test_helpers/test_clocks", customer=customer, frozen_time=START + DAY)["id"]
    life.advance(START + 31 * DAY + 3700)
    invoice = life.get("/v1/invoices", subscription=made["id"])["data"][0]
    assert invoice["total"] == 3000
    assert life.get(f"/v1/subscriptions/{made['id']}")["discounts"] == []


def test_a_credit_returns_the_discounts_and_the_tax_of_what_was_billed(life: Life) -> None:
    rate = life.post("/v1/tax_rates", display_name="Tax", percentage=10, inclusive=False)["id"]
    customer = life.customer()
    made = life.subscribe(
        customer,
        life.price(3100),
        default_tax_rates=[rate],
        discounts=[{"coupon": coupon(life, percent_off=50, duration="forever")}],
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "itemized"}},
    )
    assert life.get(f"/v1/invoices/{made['latest_invoice']}")["total"] == 1705
    life.post(f"/v1/subscriptions/{made['id']}", default_tax_rates="")
    life.advance(START + 10 * DAY)
    life.call("DELETE", f"/v1/subscriptions/{made['id']}", prorate=True, invoice_now=True)
    invoice = life.get("/v1/invoices", customer=customer)["data"][0]
    line = invoice["lines"]["data"][0]
    # 21 of 31 days are left.
    assert (line["amount"], line["discount_amounts"][0]["amount"]) == (-2100, -1050)
    assert (line["taxes"][0]["amount"], line["taxes"][0]["tax_rate_details"]["tax_rate"]) == (-105, rate)
    assert line["parent"]["subscription_item_details"]["proration_details"]["credited_items"] == {
        "invoice": made["latest_invoice"],
        "invoice_line_items": [life.get(f"/v1/invoices/{made['latest_invoice']}")["lines"]["data"][0]["id"]],
    }
    assert invoice["total"] == -1155
    life.advance(START + 10 * DAY + 3700)
    assert life.get(f"/v1/customers/{customer}")["balance"] == -1155


def test_included_proration_discounts_show_net_amounts(life: Life) -> None:
    customer = life.customer()
    given = [{"coupon": coupon(life, percent_off=100, duration="forever")}]
    made = life.subscribe(customer, life.price(3100), discounts=given)
    life.advance(START + 10 * DAY)
    life.call("DELETE", f"/v1/subscriptions/{made['id']}", prorate=True, invoice_now=True)
    credits_made = life.get("/v1/invoiceitems", customer=customer)["data"]
    assert [(each["amount"], each["proration"], each["net_amount"]) for each in credits_made] == [(0, True, 0)]
    details = credits_made[0]["proration_details"]
    assert [each["amount"] for each in details["discount_amounts"]] == [0]
    assert life.get(f"/v1/customers/{customer}")["balance"] == 0
