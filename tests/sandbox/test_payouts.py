"""Payouts by hand and by themselves."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import DAY, pay, told


def test_a_payout_takes_what_is_available(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    pay(sandbox, amount=9000)
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.payouts.create({"amount": 100, "currency": "usd"})
    assert error.value.code == "balance_insufficient"
    pay(sandbox, "pm_card_bypassPending", 5000)
    payout = v1.payouts.create({"amount": 3000, "currency": "usd", "description": "rent", "metadata": {"a": "b"}})
    assert (payout.status, payout.automatic, payout.arrival_date) == ("pending", False, payout.created + DAY)
    transaction: Any = v1.balance_transactions.retrieve(str(payout.balance_transaction))
    assert (transaction.type, transaction.net, transaction.source) == ("payout", -3000, payout.id)
    assert v1.balance.retrieve().available[0].amount == 5000 - 175 - 3000
    with pytest.raises(stripe.InvalidRequestError):
        v1.payouts.create({"amount": 1826, "currency": "usd"})
    sandbox.control("clock", {"advance_seconds": DAY})
    assert v1.payouts.retrieve(payout.id).status == "paid"
    assert told(sandbox, payout.id) == ["payout.created", "payout.updated", "payout.paid"]
    with pytest.raises(stripe.InvalidRequestError, match="this one is paid"):
        v1.payouts.cancel(payout.id)
    assert [found.id for found in v1.payouts.list({"status": "paid"}).data] == [payout.id]
    assert v1.payouts.list({"arrival_date": {"gt": payout.arrival_date}}).data == []


def test_a_canceled_and_a_failed_payout_come_back(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    pay(sandbox, "pm_card_bypassPending", 5000)
    before = v1.balance.retrieve().available[0].amount
    canceled = v1.payouts.cancel(v1.payouts.create({"amount": 1000, "currency": "usd"}).id)
    assert canceled.status == "canceled"
    back: Any = v1.balance_transactions.retrieve(str(canceled.failure_balance_transaction))
    assert (back.type, back.net) == ("payout_cancel", 1000)
    failed = v1.payouts.create({"amount": 1000, "currency": "usd"})
    sandbox.control("clock", {"advance_seconds": DAY})
    sandbox.control(f"payouts/{failed.id}/fail", {"code": "no_account"})
    failed = v1.payouts.retrieve(failed.id)
    assert (failed.status, failed.failure_code) == ("failed", "no_account")
    assert v1.balance.retrieve().available[0].amount == before
    assert told(sandbox, failed.id)[-1] == "payout.failed"


def test_daily_payouts_when_they_are_switched_on(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    intent = pay(sandbox, amount=1000)
    sandbox.control("clock", {"advance_seconds": 3 * DAY})
    assert v1.payouts.list().data == []
    sandbox.control("settings", {"automatic_payouts": True})
    sandbox.control("clock", {"advance_seconds": DAY})
    payout = v1.payouts.list().data[0]
    assert (payout.amount, payout.automatic, payout.reconciliation_status) == (941, True, "in_progress")
    assert v1.balance.retrieve().available[0].amount == 0
    inside = v1.balance_transactions.list({"payout": payout.id}).data
    assert {each.source for each in inside} == {intent.latest_charge, payout.id}
    assert sum(each.net for each in inside) == 0
    sandbox.control("clock", {"advance_seconds": 5 * DAY})
    assert len(v1.payouts.list().data) == 1
    assert told(sandbox, payout.id)[-2:] == ["payout.paid", "payout.reconciliation_completed"]
    with pytest.raises(stripe.InvalidRequestError, match="automatically"):
        v1.payouts.cancel(payout.id)
    sandbox.control("settings", {"automatic_payouts": False})
    pay(sandbox, "pm_card_bypassPending", 1000)
    sandbox.control("clock", {"advance_seconds": 5 * DAY})
    assert len(v1.payouts.list().data) == 1
