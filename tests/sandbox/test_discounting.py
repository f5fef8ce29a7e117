"""Discounts on plain lines: order, spreading, windows, and what holds for any of them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.discounting import Discount, Line, apply, ends_at, in_force

HALF = Discount("di_half", percent_off=Decimal(50))
TEN = Discount("di_ten", amount_off=1000)
PRO = Discount("di_pro", percent_off=Decimal(10), products=frozenset(["prod_pro"]))


def taken(
    lines: list[Line], items: dict[str, list[Discount]], invoice: list[Discount], currency: str = "usd"
) -> object:
    return apply(lines, items, invoice, currency=currency).lines


def test_the_order_of_two_discounts_decides() -> None:
    line = [Line("a", 10000)]
    assert taken(line, {}, [HALF, TEN]) == {"a": [("di_half", 5000), ("di_ten", 1000)]}
    assert taken(line, {}, [TEN, HALF]) == {"a": [("di_ten", 1000), ("di_half", 4500)]}


def test_discounts_of_items_come_before_those_of_the_invoice() -> None:
    lines = [Line("a", 10000, item="si_a"), Line("b", 10000, item="si_b")]
    found = apply(lines, {"si_a": [TEN]}, [HALF], currency="usd")
    assert found.lines == {"a": [("di_ten", 1000), ("di_half", 4500)], "b": [("di_half", 5000)]}
    assert found.by_items == {"a": 1000, "b": 0}
    assert found.totals == [("di_ten", 1000), ("di_half", 9500)]
    assert found.taken("a") == 5500


def test_a_fixed_amount_is_spread_and_its_remainder_goes_to_the_largest_line() -> None:
    lines = [Line("a", 1000), Line("b", 1000), Line("c", 1001)]
    assert taken(lines, {}, [Discount("di", amount_off=100)]) == {
        "a": [("di", 33)],
        "b": [("di", 33)],
        "c": [("di", 34)],
    }


def test_a_fixed_amount_of_an_item_is_spread_over_the_lines_of_its_tiers() -> None:
    lines = [Line("first", 500, item="si"), Line("next", 1500, item="si"), Line("other", 9900, item="si_other")]
    assert taken(lines, {"si": [TEN]}, []) == {"first": [("di_ten", 250)], "next": [("di_ten", 750)], "other": []}


def test_never_below_zero() -> None:
    found = apply([Line("a", 700)], {}, [TEN, TEN], currency="usd")
    assert found.lines == {"a": [("di_ten", 700)]}
    assert found.totals == [("di_ten", 700), ("di_ten", 0)]


def test_prorations_credits_and_other_products_are_left_alone() -> None:
    lines = [
        Line("proration", 500, product="prod_pro", discountable=False),
        Line("credit", -500, product="prod_pro"),
        Line("other", 500, product="prod_other"),
        Line("pro", 500, product="prod_pro"),
    ]
    assert taken(lines, {}, [PRO]) == {"proration": [], "credit": [], "other": [], "pro": [("di_pro", 50)]}


@pytest.mark.parametrize(
    ("amount", "percent", "currency", "off"),
    [(2999, "33.33", "usd", 1000), (5, "10", "jpy", 1), (4, "10", "jpy", 0), (1250, "10", "kwd", 130)],
)
def test_percentages_are_rounded_half_up_per_line(amount: int, percent: str, currency: str, off: int) -> None:
    found = taken([Line("a", amount)], {}, [Discount("di", percent_off=Decimal(percent))], currency)
    assert found == {"a": [("di", off)]}


def test_windows() -> None:
    start = int(datetime(2026, 1, 31, tzinfo=UTC).timestamp())
    end = ends_at("repeating", 1, start)
    assert end == int(datetime(2026, 2, 28, tzinfo=UTC).timestamp())
    assert in_force(start, end, start)
    assert in_force(start, end, end - 1)
    assert not in_force(start, end, end)
    assert not in_force(start, None, start - 1)
    assert ends_at("forever", None, start) is None
    assert ends_at("once", None, start) is None


amounts = st.integers(-50_000, 5_000_000)
discounts = st.builds(
    Discount,
    id=st.uuids().map(str),
    percent_off=st.decimals(0, 100, places=2),
    amount_off=st.none(),
) | st.builds(Discount, id=st.uuids().map(str), percent_off=st.none(), amount_off=st.integers(1, 100_000))
lists = st.lists(discounts, max_size=4)


@given(st.lists(amounts, min_size=1, max_size=6), lists, lists, st.sampled_from(["usd", "jpy", "kwd"]))
def test_what_holds_for_all_discounts(
    values: list[int], of_item: list[Discount], of_invoice: list[Discount], currency: str
) -> None:
    unit = 10 if currency == "kwd" else 1
    scaled = [
        Discount(each.id, each.percent_off, None if each.amount_off is None else each.amount_off * unit)
        for each in (*of_item, *of_invoice)
    ]
    lines = [Line(str(index), value * unit, item=f"si_{index % 2}") for index, value in enumerate(values)]
    found = apply(lines, {"si_0": scaled[: len(of_item)]}, scaled[len(of_item) :], currency=currency)
    assert [key for key, _ in found.totals] == [each.id for each in scaled]
    assert sum(amount for _, amount in found.totals) == sum(found.taken(line.key) for line in lines)
    for line in lines:
        assert 0 <= found.taken(line.key) <= max(line.amount, 0)
        assert all(amount >= 0 and amount % unit == 0 for _, amount in found.lines[line.key])
    whole = sum(max(line.amount, 0) for line in lines)
    for each, (_, amount) in zip(scaled, found.totals, strict=True):
        assert amount <= (whole if each.amount_off is None else each.amount_off)


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=6), st.integers(1, 1_000_000))
def test_a_fixed_amount_is_used_up_whole_where_there_is_room(values: list[int], off: int) -> None:
    lines = [Line(str(index), value) for index, value in enumerate(values)]
    assert apply(lines, {}, [Discount("di", amount_off=off)], currency="usd").totals == [("di", min(off, sum(values)))]
