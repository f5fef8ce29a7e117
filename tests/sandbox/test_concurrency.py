"""Many requests at once: money is neither lost nor made, and nothing ends in a 500 or waits for ever."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote_plus

import requests

from .conftest import Sandbox
from .lives import flat
from .support import customer_with_card, product_with_price
from .test_invoice_page import open_invoice

MANY = 200
DEADLINE = 60


def send(sandbox: Sandbox, path: str, key: str | None = None, **params: Any) -> requests.Response:
    form = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in flat(params))
    return sandbox.raw("POST", path, form, **({} if key is None else {"Idempotency_Key": key}))


def test_two_hundred_moves_of_one_balance_at_once(sandbox: Sandbox) -> None:
    customer = sandbox.client.v1.customers.create({"email": "busy@example.com", "balance": 700})
    path = f"/v1/customers/{customer.id}/balance_transactions"
    amounts = [(-1) ** number * (100 + 7 * number) for number in range(MANY)]
    with ThreadPoolExecutor(MANY) as threads:
        answers = list(threads.map(lambda amount: send(sandbox, path, amount=amount, currency="usd"), amounts))
    assert {answer.status_code for answer in answers} == {200}
    api = sandbox.client.v1.customers.balance_transactions
    moves = list(api.list(customer.id, {"limit": 100}).auto_paging_iter())[::-1]
    assert Counter(move.amount for move in moves) == Counter([700, *amounts])
    balance = 0
    for move in moves:
        balance += move.amount
        assert move.ending_balance == balance
    assert sandbox.client.v1.customers.retrieve(customer.id).balance == balance == 700 + sum(amounts)
    assert {answer.json()["ending_balance"] for answer in answers} <= {move.ending_balance for move in moves}


class Storm:
    """Forty of each at once: a customer made, a subscription begun, one of ten invoices paid, a customer made under one
    key, a customer's metadata changed.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._price = product_with_price(sandbox)[1].id
        self._key = uuid.uuid4().hex
        self.customer = customer_with_card(sandbox)[0].id
        self.invoices = [open_invoice(sandbox, self.customer).id for _ in range(10)]
        with ThreadPoolExecutor(MANY) as threads:
            self.answers = list(threads.map(self._one, range(MANY), timeout=DEADLINE))

    def _one(self, number: int) -> requests.Response:
        kind, turn = number % 5, number // 5
        path, params = [
            ("/v1/customers", {"name": "storm"}),
            ("/v1/subscriptions", {"customer": self.customer, "items": [{"price": self._price}]}),
            (f"/v1/invoices/{self.invoices[turn % len(self.invoices)]}/pay", {}),
            ("/v1/customers", {"name": "once"}),
            (f"/v1/customers/{self.customer}", {"metadata": {f"k{turn}": turn}}),
        ][kind]
        return send(self._sandbox, path, self._key if kind == 3 else None, **params)

    def statuses(self, kind: int) -> Counter[int]:
        return Counter(answer.status_code for answer in self.answers[kind::5])


def test_a_storm_of_two_hundred_different_requests(sandbox: Sandbox) -> None:
    storm, v1 = Storm(sandbox), sandbox.client.v1
    each, ten = MANY // 5, len(storm.invoices)
    assert storm.statuses(0) == storm.statuses(1) == storm.statuses(4) == {200: each}
    # One of those who pay an invoice pays it; the others hear that it is paid already.
    assert storm.statuses(2) == {200: ten, 400: each - ten}
    # Who comes with a key while its first request is at work is told to try again.
    assert storm.statuses(3).keys() <= {200, 409}
    names = Counter(made.name for made in v1.customers.list({"limit": 100}).auto_paging_iter())
    assert (names["storm"], names["once"]) == (each, 1)
    assert len(v1.customers.retrieve(storm.customer).to_dict()["metadata"]) == each
    mine: Any = {"customer": storm.customer, "limit": 100}
    paid = list(v1.invoices.list({**mine, "status": "paid"}).auto_paging_iter())
    assert {*storm.invoices} < {invoice.id for invoice in paid}
    assert len(paid) == ten + each
    charges = list(v1.charges.list(mine).auto_paging_iter())
    assert len(charges) == len(paid)
    assert sum(charge.amount for charge in charges) == sum(invoice.amount_paid for invoice in paid)
