"""The customer's balance: every move is a transaction, and what it does to the next invoice."""

from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.customer_balance import settle

from .conftest import Sandbox


@pytest.mark.parametrize(
    ("total", "balance", "due", "moves"),
    [
        (2900, 0, 2900, []),
        (2900, -1000, 1900, [(1000, "applied_to_invoice")]),
        (2900, -5000, 0, [(2900, "applied_to_invoice")]),
        (2900, 500, 3400, [(-500, "applied_to_invoice")]),
        (-1000, 0, 0, [(-1000, "applied_to_invoice")]),
        (-1000, -500, 0, [(-1000, "applied_to_invoice")]),
        (0, 0, 0, []),
        (49, 0, 0, [(49, "invoice_too_small")]),
        (50, 0, 50, []),
        (2900, -2880, 0, [(2880, "applied_to_invoice"), (20, "invoice_too_small")]),
    ],
)
def test_what_is_due_and_what_moves(total: int, balance: int, due: int, moves: list[tuple[int, str]]) -> None:
    found = settle(total, balance, "usd")
    assert (found.due, list(found.moves)) == (due, moves)


@given(st.integers(-100_000, 100_000), st.integers(-100_000, 100_000))
def test_nothing_is_lost_between_invoice_and_balance(total: int, balance: int) -> None:
    found = settle(total, balance, "usd")
    assert found.due == 0 or found.due >= 50
    assert total + balance == found.due + (balance + found.moved)


def test_transactions_sum_to_the_balance(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({"balance": -700})
    assert customer.balance == -700
    api = v1.customers.balance_transactions
    first = api.create(customer.id, {"amount": 1200, "currency": "usd", "description": "fee", "metadata": {"a": "b"}})
    assert (first.type, first.ending_balance, first.description) == ("adjustment", 500, "fee")
    v1.customers.update(customer.id, {"balance": -50})
    found = api.list(customer.id).data
    assert [(each.amount, each.type, each.ending_balance) for each in found] == [
        (-550, "adjustment", -50),
        (1200, "adjustment", 500),
        (-700, "initial", -700),
    ]
    now = v1.customers.retrieve(customer.id)
    assert now.balance == sum(each.amount for each in found) == -50
    assert now.currency == "usd"
    changed = api.update(customer.id, first.id, {"description": "late fee", "metadata": {"a": ""}})
    assert (changed.description, api.retrieve(customer.id, first.id).amount) == ("late fee", 1200)


def test_refusals(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, other = v1.customers.create({}), v1.customers.create({})
    api = v1.customers.balance_transactions
    made = api.create(customer.id, {"amount": -100, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError, match="balance is in eur"):
        api.create(customer.id, {"amount": -100, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="No such customer_balance_transaction"):
        api.retrieve(other.id, made.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        api.list("cus_none")
    missing: Any = {"amount": 5}
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        api.create(customer.id, missing)


def test_a_move_announces_the_customer(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    v1.customers.balance_transactions.create(customer.id, {"amount": -300, "currency": "usd"})
    event: Any = next(
        found
        for found in v1.events.list({"type": "customer.updated", "limit": 100}).data
        if found.data.object["id"] == customer.id
    )
    assert event.data.object["balance"] == -300
    assert event.data.previous_attributes["balance"] == 0
