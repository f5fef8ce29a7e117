"""Test clocks and the agenda: whose time it is, what moving it does, what Stripe refuses."""

import time
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import open_session, product_with_price
from .timing import DAY, START, advance, clock_at


def events_of(sandbox: Sandbox, clock_id: str) -> list[Any]:
    """What is told of a clock itself, oldest first."""
    listed = sandbox.look("events")["data"]
    return [event for event in reversed(listed) if event["data"]["object"]["id"] == clock_id]


def test_objects_of_a_clock_live_in_its_time(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox, name="trial run")
    assert (clock.status, clock.frozen_time, clock.name) == ("ready", START, "trial run")
    assert abs(clock.created - time.time()) < 10
    customer = sandbox.client.v1.customers.create({"test_clock": clock.id})
    assert (customer.created, customer.test_clock) == (START, clock.id)
    other = sandbox.client.v1.customers.create({})
    assert (abs(other.created - time.time()) < 10, other.test_clock) == (True, None)
    later = advance(sandbox, clock.id, START + DAY)
    assert (later.frozen_time, later.status_details.to_dict()) == (START + DAY, {})
    sandbox.client.v1.customers.update(customer.id, {"name": "Later"})
    events = sandbox.client.v1.events.list({"type": "customer.*"}).data
    assert [(event.type, event.created == START + DAY) for event in events] == [
        ("customer.updated", True),
        ("customer.created", False),
        ("customer.created", False),
    ]
    told = events_of(sandbox, clock.id)
    assert [event["type"].rpartition(".")[2] for event in told] == ["created", "advancing", "ready"]
    assert [event["created"] for event in told[1:]] == [START, START + DAY]


def test_customers_of_a_clock_are_listed_on_demand(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox)
    inside = sandbox.client.v1.customers.create({"test_clock": clock.id})
    outside = sandbox.client.v1.customers.create({})
    listing = sandbox.client.v1.customers.list
    assert [found.id for found in listing().data] == [outside.id]
    assert [found.id for found in listing({"test_clock": clock.id}).data] == [inside.id]


def test_what_a_clock_refuses(sandbox: Sandbox) -> None:
    clocks = sandbox.client.v1.test_helpers.test_clocks
    clock = clock_at(sandbox)
    for target in (START, START - 1):
        with pytest.raises(stripe.InvalidRequestError, match="after its current frozen time"):
            clocks.advance(clock.id, {"frozen_time": target})
    two_years = START + 730 * DAY
    with pytest.raises(stripe.InvalidRequestError, match="two years"):
        clocks.advance(clock.id, {"frozen_time": two_years + 1})
    for _ in range(3):
        sandbox.client.v1.customers.create({"test_clock": clock.id})
    with pytest.raises(stripe.InvalidRequestError, match="at most 3 customers"):
        sandbox.client.v1.customers.create({"test_clock": clock.id})
    with pytest.raises(stripe.InvalidRequestError, match="No such test_clock"):
        sandbox.client.v1.customers.create({"test_clock": "clock_none"})
    assert advance(sandbox, clock.id, two_years).frozen_time == two_years


def test_an_existing_customer_joins_a_clock(sandbox: Sandbox) -> None:
    customer = sandbox.client.v1.customers.create({})
    ahead = int(time.time()) + DAY
    clock = clock_at(sandbox, ahead, customer=customer.id)
    assert sandbox.client.v1.customers.retrieve(customer.id).test_clock == clock.id
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a test clock"):
        clock_at(sandbox, ahead, customer=customer.id)


def test_deleting_a_clock_deletes_its_customers(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox)
    customer = sandbox.client.v1.customers.create({"test_clock": clock.id})
    gone = sandbox.client.v1.test_helpers.test_clocks.delete(clock.id)
    assert gone.to_dict() == {"id": clock.id, "object": "test_helpers.test_clock", "deleted": True}
    assert sandbox.client.v1.customers.retrieve(customer.id).to_dict()["deleted"] is True
    assert sandbox.client.v1.test_helpers.test_clocks.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        sandbox.client.v1.test_helpers.test_clocks.retrieve(clock.id)
    assert events_of(sandbox, clock.id)[-1]["type"] == "test_helpers.test_clock.deleted"


def test_a_clock_ends_by_itself(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox)
    customer = sandbox.client.v1.customers.create({"test_clock": clock.id})
    sandbox.control("clock", {"advance_seconds": 30 * DAY})
    assert sandbox.client.v1.test_helpers.test_clocks.list().data == []
    assert sandbox.client.v1.customers.retrieve(customer.id).to_dict()["deleted"] is True


def test_a_session_expires_on_its_customers_clock(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox)
    customer = sandbox.client.v1.customers.create({"test_clock": clock.id, "email": "a@example.com"})
    inside = open_session(sandbox, price.id, customer=customer.id)
    outside = open_session(sandbox, price.id)
    assert inside.expires_at == START + DAY
    advance(sandbox, clock.id, START + DAY)
    sessions = sandbox.client.v1.checkout.sessions
    assert (sessions.retrieve(inside.id).status, sessions.retrieve(outside.id).status) == ("expired", "open")
    sandbox.control("clock", {"advance_seconds": DAY})
    expired = [e for e in sandbox.look("events")["data"] if e["type"] == "checkout.session.expired"]
    assert [event["data"]["object"]["id"] for event in expired] == [outside.id, inside.id]
    assert expired[1]["created"] == START + DAY
    assert expired[0]["created"] == outside.expires_at


def test_the_page_of_a_session_uses_its_customers_clock(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox)
    customer = sandbox.client.v1.customers.create({"test_clock": clock.id, "email": "a@example.com"})
    session = open_session(sandbox, price.id, customer=customer.id)
    paid = sandbox.control(f"checkout/{session.id}/pay", {"card": "4242424242424242"})
    assert paid["status"] == "complete"
    invoice = sandbox.client.v1.invoices.retrieve(paid["invoice"])
    assert (invoice.created, invoice.status_transitions.paid_at) == (START, START)


def test_keys_expire_by_the_global_clock(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox)
    body = f"name=keyed&test_clock={clock.id}"
    first = sandbox.raw("POST", "/v1/customers", body, Idempotency_Key="one").json()["id"]
    advance(sandbox, clock.id, START + 3 * DAY)
    again = sandbox.raw("POST", "/v1/customers", body, Idempotency_Key="one")
    assert (again.json()["id"], again.headers["Idempotent-Replayed"]) == (first, "true")
    sandbox.control("clock", {"advance_seconds": DAY})
    fresh = sandbox.raw("POST", "/v1/customers", body, Idempotency_Key="one")
    assert (fresh.status_code, fresh.json()["id"] != first) == (200, True)
