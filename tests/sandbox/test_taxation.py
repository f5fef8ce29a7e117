"""Taxes on plain lines: Stripe's published figures, exemptions, and what holds for any rate."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.taxation import Exemption, Rate, Tax, apply

VAT = Rate("txr_vat", Decimal(15), inclusive=False)
INSIDE = Rate("txr_inside", Decimal(20), inclusive=True)


def test_tax_is_rounded_per_line_before_it_is_added_up() -> None:
    """Stripe's own figures: 0.43 and 4.84 at 15 %."""
    found = apply([("a", 43), ("b", 484)], {"a": [VAT], "b": [VAT]}, currency="usd")
    assert [found.lines[key][0].amount for key in ("a", "b")] == [6, 73]
    assert found.totals == [Tax("txr_vat", 79, 527, False, "not_available")]
    assert (found.exclusive, found.inclusive) == (79, 0)


def test_inclusive_tax_is_part_of_the_amount() -> None:
    found = apply([("a", 1200)], {"a": [INSIDE]}, currency="usd")
    assert found.lines["a"] == [Tax("txr_inside", 200, 1000, True, "not_available")]
    assert (found.exclusive, found.inclusive) == (0, 200)


def test_several_rates_on_one_line() -> None:
    state = Rate("txr_state", Decimal("6.25"), inclusive=False)
    city = Rate("txr_city", Decimal("0.8750"), inclusive=False)
    found = apply([("a", 9999)], {"a": [state, city]}, currency="usd")
    assert [(tax.rate, tax.amount) for tax in found.lines["a"]] == [("txr_state", 625), ("txr_city", 87)]
    both = apply([("a", 1200)], {"a": [INSIDE, VAT]}, currency="usd")
    assert [(tax.amount, tax.taxable) for tax in both.lines["a"]] == [(200, 1000), (150, 1000)]
    two_inside = [INSIDE, Rate("txr_more", Decimal(5), inclusive=True)]
    assert [tax.amount for tax in apply([("a", 1250)], {"a": two_inside}, currency="usd").lines["a"]] == [200, 50]


@pytest.mark.parametrize(("exempt", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")])
def test_customers_that_pay_no_tax(exempt: Exemption, reason: str) -> None:
    found = apply([("a", 1000)], {"a": [VAT, INSIDE]}, exempt, currency="usd")
    assert [(tax.amount, tax.taxable, tax.reason) for tax in found.lines["a"]] == [(0, 0, reason)] * 2
    assert (found.exclusive, found.inclusive) == (0, 0)


def test_four_decimals_and_currencies_without_cents() -> None:
    exact = Rate("txr", Decimal("8.8750"), inclusive=False)
    assert apply([("a", 100_000)], {"a": [exact]}, currency="usd").exclusive == 8875
    assert apply([("a", 50)], {"a": [VAT]}, currency="jpy").exclusive == 8
    assert apply([("a", 1230)], {"a": [VAT]}, currency="kwd").exclusive == 180


def test_lines_without_rates_have_no_tax() -> None:
    found = apply([("a", 1000), ("b", 1000)], {"b": [VAT]}, currency="usd")
    assert found.lines["a"] == []
    assert found.exclusive == 150


amounts = st.integers(0, 5_000_000)
rates = st.lists(
    st.builds(Rate, id=st.uuids().map(str), percentage=st.decimals(0, 100, places=4), inclusive=st.booleans()),
    max_size=3,
)


@given(st.lists(amounts, max_size=6), rates)
def test_totals_are_the_sums_of_the_lines(values: list[int], of_all: list[Rate]) -> None:
    lines = [(str(index), value) for index, value in enumerate(values)]
    found = apply(lines, {key: of_all for key, _ in lines}, currency="usd")
    for rate in of_all if lines else []:
        own = [tax for taxes in found.lines.values() for tax in taxes if tax.rate == rate.id]
        total = next(tax for tax in found.totals if tax.rate == rate.id)
        assert (total.amount, total.taxable) == (sum(tax.amount for tax in own), sum(tax.taxable for tax in own))
    assert found.exclusive + found.inclusive == sum(tax.amount for taxes in found.lines.values() for tax in taxes)


@given(amounts, rates)
def test_a_credit_returns_exactly_the_tax_of_its_debit(value: int, of_all: list[Rate]) -> None:
    there = apply([("a", value)], {"a": of_all}, currency="usd").lines["a"]
    back = apply([("a", -value)], {"a": of_all}, currency="usd").lines["a"]
    assert [tax.amount for tax in back] == [-tax.amount for tax in there]


@given(amounts, st.decimals(0, 100, places=4))
def test_an_inclusive_amount_is_its_base_with_the_tax_put_on_top(value: int, percentage: Decimal) -> None:
    inside = apply([("a", value)], {"a": [Rate("txr", percentage, inclusive=True)]}, currency="usd").lines["a"][0]
    assert inside.amount + inside.taxable == value
    outside = apply([("a", inside.taxable)], {"a": [Rate("txr", percentage, inclusive=False)]}, currency="usd")
    assert abs(outside.exclusive - inside.amount) <= 1
