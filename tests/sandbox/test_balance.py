"""The account's own balance: fees, what is pending and what is there, and that the transactions add up to it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engine.balance_transactions import fee_of

from .conftest import Sandbox
from .money import DAY, pay


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [
        (1000, "usd", 59),
        (50, "usd", 31),
        (500, "usd", 45),  # 14.5 cents, half up
        (1000, "jpy", 59),
        (10_000, "kwd", 590),
        (9_999, "eur", 320),
    ],
)
def test_fees(amount: int, currency: str, fee: int) -> None:
    assert fee_of(amount, currency) == fee


@given(st.integers(50, 99_999_999))
def test_a_fee_is_less_than_the_payment(amount: int) -> None:
    assert 0 < fee_of(amount, "usd") < amount


def sums(sandbox: Sandbox) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for each in sandbox.client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter():
        key = (each.status, each.currency)
        found[key] = found.get(key, 0) + each.net
    return found


def balances(sandbox: Sandbox) -> dict[tuple[str, str], int]:
    balance = sandbox.client.v1.balance.retrieve()
    return {
        **{("available", each.currency): each.amount for each in balance.available},
        **{("pending", each.currency): each.amount for each in balance.pending},
    }


def test_money_becomes_available_after_two_days(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    assert balances(sandbox) == {("available", "usd"): 0, ("pending", "usd"): 0}
    intent = pay(sandbox)
    transaction: Any = v1.balance_transactions.list({"source": str(intent.latest_charge)}).data[0]
    assert (transaction.type, transaction.reporting_category, transaction.status) == ("charge", "charge", "pending")
    assert (transaction.amount, transaction.fee, transaction.net) == (1000, 59, 941)
    assert transaction.fee_details[0].to_dict()["type"] == "stripe_fee"
    assert transaction.available_on == transaction.created + 2 * DAY
    assert balances(sandbox) == {("available", "usd"): 0, ("pending", "usd"): 941}
    sandbox.control("clock", {"advance_seconds": 2 * DAY})
    assert balances(sandbox) == {("available", "usd"): 941, ("pending", "usd"): 0}
    v1.refunds.create({"payment_intent": intent.id})
    assert balances(sandbox) == {("available", "usd"): 941, ("pending", "usd"): -1000}
    pay(sandbox, "pm_card_bypassPending", 2000)
    assert balances(sandbox)["available", "usd"] == 941 + 2000 - 88


def test_transactions_add_up_to_the_balance(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    for method in ("pm_card_visa", "pm_card_refundFail", "pm_card_pendingRefund", "pm_card_bypassPending"):
        intent = pay(sandbox, method, 1777)
        v1.refunds.create({"payment_intent": intent.id, "amount": 333})
    pay(sandbox, "pm_sepaDebit_success_de", 5000)
    pay(sandbox, amount=4242, currency="eur")
    for days in (1, 1, 1, 7):
        found = balances(sandbox)
        assert {key: amount for key, amount in found.items() if amount} == {
            key: amount for key, amount in sums(sandbox).items() if amount
        }
        sandbox.control("clock", {"advance_seconds": days * DAY})
    kinds = {each.type for each in v1.balance_transactions.list({"limit": 100}).data}
    assert kinds == {"charge", "payment", "refund", "refund_failure"}
    assert balances(sandbox)["pending", "usd"] == 0
    only = v1.balance_transactions.list({"type": "payment", "currency": "eur"}).data
    assert [each.amount for each in only] == [5000]
