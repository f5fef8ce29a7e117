"""Stripe's search language, and search results page by page."""

import uuid
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import customer_with_card, product_with_price


def test_prices_by_their_fields(shared: Sandbox) -> None:
    product, price = product_with_price(shared)
    api = shared.client.v1.prices
    mark = uuid.uuid4().hex
    api.update(price.id, {"metadata": {"plan": f"Pro-{mark}", "the rest": "x"}, "lookup_key": mark})
    for query in (
        f"lookup_key:'{mark}'",
        f'metadata["plan"]:"pro-{mark.upper()}"',
        f"metadata['plan']~'{mark[:12]}' AND active:'true'",
        f"product:'{product.id}' and type:'recurring' AND -currency:\"eur\"",
        f"lookup_key:'nothing' OR lookup_key:'{mark}'",
        f"lookup_key:'{mark}' AND -metadata['the rest']:null AND metadata['else']:null",
    ):
        assert [found.id for found in api.search({"query": query}).data] == [price.id], query
    assert api.search({"query": f"lookup_key:'{mark}' AND active:'false'"}).data == []


def test_numbers_and_what_an_invoice_bills(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    _, price = product_with_price(shared, 1234)
    made = v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    mine = f"customer:'{customer.id}'"
    assert len(v1.invoices.search({"query": f"{mine} AND total>1233 AND total<=1234"}).data) == 1
    assert len(v1.invoices.search({"query": f"subscription:'{made.id}' AND status:'PAID'"}).data) == 1
    assert v1.invoices.search({"query": f"{mine} AND total>1234"}).data == []
    assert len(v1.charges.search({"query": f"{mine} AND amount:1234 AND disputed:'false'"}).data) == 1
    assert len(v1.payment_intents.search({"query": f"{mine} AND status:'succeeded'"}).data) == 1
    assert made.id in [found.id for found in v1.subscriptions.search({"query": "canceled_at:null", "limit": 100}).data]


def test_pages_and_the_total(shared: Sandbox) -> None:
    api = shared.client.v1.customers
    name = uuid.uuid4().hex
    made = [api.create({"name": name, "metadata": {"n": str(n)}}).id for n in range(5)]
    params: Any = {"query": f"name:'{name}'", "limit": 2, "expand": ["total_count", "data.subscriptions"]}
    first: Any = api.search(params)
    assert (first.total_count, first.has_more, len(first.data)) == (5, True, 2)
    assert [found.id for found in first.auto_paging_iter()] == made[::-1]
    with pytest.raises(stripe.InvalidRequestError):
        api.search({"query": f"name:'{name}'", "page": "cus_none"})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "nonsense",
        "name:amy or",
        "balance:'5'",
        "name>'5'",
        "created:'soon'",
        "name~'ab'",
        "metadata:'x'",
        "name['x']:'y'",
        "name:'a' AND name:'b' OR name:'c'",
        " AND ".join(["name:'a'"] * 11),
    ],
)
def test_wrong_queries(shared: Sandbox, query: str) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        shared.client.v1.customers.search({"query": query})
