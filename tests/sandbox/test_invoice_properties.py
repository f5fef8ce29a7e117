"""Random invoices: whatever is discounted, taxed, prorated and credited, the sums hold."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .lives import DAY, START, Life

percents = st.integers(1, 10_000).map(lambda hundredths: {"percent_off": hundredths / 100})
fixed = st.integers(1, 3000).map(lambda amount: {"amount_off": amount})
windows = st.sampled_from(
    [{"duration": "once"}, {"duration": "forever"}, {"duration": "repeating", "duration_in_months": 1}]
)
coupons = st.lists(st.builds(lambda terms, window: {**terms, **window}, percents | fixed, windows), max_size=2)
rates = st.lists(st.tuples(st.integers(0, 300_000), st.booleans()), max_size=2)
items = st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 5), coupons, rates), min_size=1, max_size=3)
EXEMPT = st.sampled_from(["none", "none", "exempt", "reverse"])
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Shop:
    """A life in one currency, with short ways to make what an invoice is made of."""

    def __init__(self, currency: str) -> None:
        self.life, self.currency = Life(), currency
        self.unit = 10 if currency == "kwd" else 1

    def discounts(self, wanted: list[dict[str, Any]]) -> list[dict[str, str]]:
        made = []
        for terms in wanted:
            if "amount_off" in terms:
                terms = {**terms, "amount_off": terms["amount_off"] * self.unit, "currency": self.currency}
            made.append({"coupon": self.life.post("/v1/coupons", **terms)["id"]})
        return made

    def rates(self, wanted: list[tuple[int, bool]]) -> list[str]:
        return [
            self.life.post("/v1/tax_rates", display_name="T", percentage=ten_thousandths / 10_000, inclusive=inside)[
                "id"
            ]
            for ten_thousandths, inside in wanted
        ]


def check(invoice: Any, unit: int) -> None:
    """Lines + tax - discounts = total; due + balance taken = total; no amount that the currency has not."""
    lines = invoice["lines"]["data"]
    exclusive = sum(tax["amount"] for tax in invoice["total_taxes"] if tax["tax_behavior"] == "exclusive")
    off = sum(each["amount"] for each in invoice["total_discount_amounts"])
    assert invoice["total"] == sum(line["amount"] for line in lines) - off + exclusive
    assert off == sum(each["amount"] for line in lines for each in line["discount_amounts"])
    for line in lines:
        taken = sum(each["amount"] for each in line["discount_amounts"])
        assert 0 <= taken <= line["amount"] or not line["discountable"]
        amounts = [line["amount"], *(each["amount"] for each in [*line["discount_amounts"], *line["taxes"]])]
        assert all(amount % unit == 0 for amount in amounts)
    taxes = sum(tax["amount"] for line in lines for tax in line["taxes"])
    assert taxes == sum(tax["amount"] for tax in invoice["total_taxes"])
    assert invoice["total_excluding_tax"] == invoice["total"] - taxes
    if invoice["status"] != "draft":
        moved = invoice["ending_balance"] - invoice["starting_balance"]
        assert invoice["amount_due"] == invoice["total"] - moved
    assert invoice["amount_paid"] + invoice["amount_remaining"] == invoice["amount_due"]


@FEW
@given(
    items, coupons, rates, EXEMPT, st.integers(-20_000, 20_000), st.sampled_from(["usd", "jpy", "kwd"])
)  # fmt: skip
def test_subscriptions_over_three_months(
    wanted: Any, of_all: Any, default_rates: Any, exempt: str, balance: int, currency: str
) -> None:
    shop = Shop(currency)
    life = shop.life
    customer = life.customer(tax_exempt=exempt)
    life.post(f"/v1/customers/{customer}/balance_transactions", amount=balance * shop.unit, currency=currency)
    entries = [
        {
            "price": life.price(amount * shop.unit, currency=currency),
            "quantity": quantity,
            "discounts": shop.discounts(own),
            "tax_rates": shop.rates(taxed),
        }
        for amount, quantity, own, taxed in wanted
    ]
    made = life.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{name: value for name, value in entry.items() if value != []} for entry in entries],
        **{
            name: value
            for name, value in {
                "discounts": shop.discounts(of_all),
                "default_tax_rates": shop.rates(default_rates),
            }.items()
            if value
        },
    )
    for days in (31, 59):
        life.advance(START + days * DAY + 3700)
    invoices = life.get("/v1/invoices", subscription=made["id"])["data"]
    assert len(invoices) == 3
    for invoice in invoices:
        check(invoice, shop.unit)
    moves = life.get(f"/v1/customers/{customer}/balance_transactions", limit=100)["data"]
    assert sum(move["amount"] for move in moves) == life.get(f"/v1/customers/{customer}")["balance"]
    chain = [move["ending_balance"] - move["amount"] for move in moves]
    assert chain[:-1] == [move["ending_balance"] for move in moves[1:]]
    assert chain[-1] == 0
