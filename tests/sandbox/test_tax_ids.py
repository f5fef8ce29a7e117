"""Tax ids of customers: kept, verified later, printed on invoices as long as these can change."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .lives import START, Life


def test_made_with_the_customer_listed_and_deleted(shared: Sandbox) -> None:
    v1 = shared.client.v1
    data: Any = [{"type": "br_cnpj", "value": "01.234.456/5432-10"}, {"type": "us_ein", "value": "12-3456789"}]
    customer = v1.customers.create({"name": "Acme", "tax_id_data": data})
    tax_ids = v1.customers.tax_ids
    second, first = tax_ids.list(customer.id).data
    assert (first.type, first.value, first.country) == ("br_cnpj", "01.234.456/5432-10", "BR")
    assert (second.type, second.country, second.customer) == ("us_ein", "US", customer.id)
    assert second.verification is not None
    assert second.verification.status == "unavailable"
    opened: Any = v1.customers.retrieve(customer.id, {"expand": ["tax_ids"]})
    assert [each.id for each in opened.tax_ids.data] == [second.id, first.id]
    assert tax_ids.delete(customer.id, first.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such tax_id"):
        tax_ids.retrieve(customer.id, first.id)
    other = v1.customers.create({}).id
    with pytest.raises(stripe.InvalidRequestError, match="No such tax_id"):
        tax_ids.retrieve(other, second.id)
    told = [event["type"] for event in shared.look("events")["data"] if event["data"]["object"].get("id") == first.id]
    assert told == ["customer.tax_id.deleted", "customer.tax_id.created"]


def test_a_value_that_cannot_be_one(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({}).id
    with pytest.raises(stripe.InvalidRequestError, match="Invalid value for eu_vat") as refused:
        v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "?"})
    assert (refused.value.code, refused.value.param) == ("tax_id_invalid", "value")
    data: Any = [{"type": "gb_vat", "value": ""}]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        v1.customers.create({"tax_id_data": data, "email": "nobody@example.com"})
    assert refused.value.param == "tax_id_data[0][value]"
    assert v1.customers.list({"email": "nobody@example.com"}).data == []


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("000000000", "verified"),
        ("111111111", "unverified"),
        ("222222222", "pending"),
        ("DE123456789", "unavailable"),
    ],
)
def test_the_authorities_answer_in_the_background(value: str, status: str) -> None:
    life = Life()
    path = f"/v1/customers/{life.customer()}/tax_ids"
    made = life.post(path, type="eu_vat", value=value)
    assert made["verification"]["status"] == "pending"
    life.advance(START + 60)
    assert life.get(f"{path}/{made['id']}")["verification"]["status"] == status
    updates = [event for event in life.events() if event["type"] == "customer.tax_id.updated"]
    assert len(updates) == (status != "pending")


@pytest.mark.parametrize(
    ("kind", "value", "country"),
    [("eu_vat", "el123456789", "GR"), ("eu_vat", "EU123456789", None), ("ch_vat", "CHE-123.456.789 MWST", "CH")],
)
def test_countries(kind: str, value: str, country: str | None) -> None:
    life = Life()
    made = life.post(f"/v1/customers/{life.customer()}/tax_ids", type=kind, value=value)
    assert made["country"] == country


def test_invoices_print_them_until_they_are_finalized() -> None:
    life = Life()
    customer = life.customer()
    life.post("/v1/invoiceitems", customer=customer, amount=500, currency="usd")
    path = f"/v1/invoices/{life.post('/v1/invoices', customer=customer)['id']}"
    tax_id = life.post(f"/v1/customers/{customer}/tax_ids", type="gb_vat", value="GB123456789")["id"]
    printed = [{"type": "gb_vat", "value": "GB123456789"}]
    assert life.get(path)["customer_tax_ids"] == printed
    assert life.post("/v1/invoices", customer=customer)["customer_tax_ids"] == printed
    life.post(f"{path}/finalize")
    life.call("DELETE", f"/v1/customers/{customer}/tax_ids/{tax_id}")
    assert life.get(path)["customer_tax_ids"] == printed
    drafts = life.get("/v1/invoices", customer=customer, status="draft")["data"]
    assert [draft["customer_tax_ids"] for draft in drafts] == [[]]
