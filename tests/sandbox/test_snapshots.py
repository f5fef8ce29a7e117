"""Snapshots: the whole state comes back, with its clock, its ids, its deliveries and its switches."""

import re
from pathlib import Path

import pytest
import requests
import stripe

from .conftest import Receiver, Sandbox, start, wait_for
from .support import endpoint, paid_session, product_with_price


def test_everything_is_as_it_was(sandbox: Sandbox) -> None:
    kept = sandbox.client.v1.products.create({"name": "kept"})
    sandbox.control("clock", {"advance_seconds": 3600})
    taken = sandbox.control("snapshots", {"name": "morning"})
    sandbox.client.v1.products.update(kept.id, {"name": "renamed"})
    _, price = product_with_price(sandbox)
    paid_session(sandbox, price.id)
    sandbox.control("clock", {"advance_seconds": 40 * 86400})
    restored = sandbox.control("snapshots/morning/restore")
    assert restored["now"] == taken["now"]
    assert abs(sandbox.look("health")["now"] - taken["now"]) <= 1
    assert [product.name for product in sandbox.client.v1.products.list().data] == ["kept"]
    assert [event["type"] for event in sandbox.look("events")["data"]] == ["product.created"]
    assert sandbox.client.v1.subscriptions.list({"status": "all"}).data == []


def test_it_may_be_restored_again_and_again(sandbox: Sandbox) -> None:
    sandbox.control("snapshots", {"name": "empty"})
    for name in "abc":
        sandbox.client.v1.products.create({"name": name})
        sandbox.control("snapshots/empty/restore")
        assert sandbox.client.v1.products.list().data == []


def test_a_reset_leaves_snapshots_and_a_name_is_taken_anew(sandbox: Sandbox) -> None:
    sandbox.client.v1.products.create({"name": "first"})
    sandbox.control("snapshots", {"name": "shop"})
    sandbox.client.v1.products.create({"name": "second"})
    sandbox.control("snapshots", {"name": "shop"})
    sandbox.control("reset")
    assert [kept["name"] for kept in sandbox.look("snapshots")["data"] if kept["name"] == "shop"] == ["shop"]
    sandbox.control("snapshots/shop/restore")
    assert [product.name for product in sandbox.client.v1.products.list().data] == ["second", "first"]
    headers = {"Content-Type": "application/json"}
    gone = requests.delete(f"{sandbox.url}/_sandbox/snapshots/shop", headers=headers, timeout=10)
    assert gone.json() == {"deleted": "shop"}
    sandbox.control("snapshots/shop/restore", status=404)
    sandbox.control("snapshots", {"name": "../x"}, status=400)


def test_held_deliveries_and_tricks_come_back(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"mode": "hold"})
    sandbox.client.v1.products.create({"name": "held"})
    sandbox.control("snapshots", {"name": "held"})
    for _ in range(2):
        sandbox.control("deliveries", {"mode": "release"})
        assert receiver.next_event()["data"]["object"]["name"] == "held"
        wait_for(lambda: sandbox.look("deliveries")["data"][0]["status"] == "delivered")
        sandbox.control("snapshots/held/restore")
        assert sandbox.look("deliveries")["settings"]["mode"] == "hold"
        assert sandbox.look("deliveries")["data"][0]["status"] == "held"
    assert receiver.nothing_for(0.3)


def test_a_pending_delivery_goes_out_after_the_restore(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"delay": 1})
    sandbox.client.v1.products.create({"name": "pending"})
    sandbox.control("snapshots", {"name": "pending"})
    assert receiver.next_event()["data"]["object"]["name"] == "pending"
    sandbox.control("snapshots/pending/restore")
    assert receiver.next_event()["data"]["object"]["name"] == "pending"


def test_faults_and_the_mailboxs_mood_come_back(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "GET /v1/products", "mode": "500"})
    sandbox.control("mail", {"mode": "reject"})
    sandbox.control("snapshots", {"name": "grumpy"})
    with pytest.raises(stripe.APIError):
        sandbox.client.v1.products.list()
    sandbox.control("mail", {"mode": "normal"})
    sandbox.control("snapshots/grumpy/restore")
    assert sandbox.look("mail")["mode"] == "reject"
    with pytest.raises(stripe.APIError):
        sandbox.client.v1.products.list()
    assert sandbox.look("fail")["waiting"] == []


def test_test_clocks_come_back(sandbox: Sandbox) -> None:
    helpers = sandbox.client.v1.test_helpers
    clock = helpers.test_clocks.create({"frozen_time": 1_800_000_000})
    customer = sandbox.client.v1.customers.create({"test_clock": clock.id})
    sandbox.control("snapshots", {"name": "clocked"})
    for _ in range(2):
        helpers.test_clocks.advance(clock.id, {"frozen_time": 1_800_003_600})
        wait_for(lambda: helpers.test_clocks.retrieve(clock.id).status == "ready")
        assert helpers.test_clocks.retrieve(clock.id).frozen_time == 1_800_003_600
        sandbox.control("snapshots/clocked/restore")
        assert helpers.test_clocks.retrieve(clock.id).frozen_time == 1_800_000_000
    assert sandbox.client.v1.customers.retrieve(customer.id).test_clock == clock.id


def test_an_idempotency_key_is_free_again(sandbox: Sandbox) -> None:
    sandbox.control("snapshots", {"name": "before"})
    first = sandbox.raw("POST", "/v1/customers", "name=a", Idempotency_Key="again").json()["id"]
    sandbox.control("snapshots/before/restore")
    second = sandbox.raw("POST", "/v1/customers", "name=b", Idempotency_Key="again")
    assert second.status_code == 200
    assert second.json()["id"] != first


def test_seeded_ids_repeat_and_the_state_file_follows(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    running = start("--seed", "5", "--state", state)
    running.control("snapshots", {"name": "zero"})
    first = running.client.v1.products.create({"name": "x"}).id
    running.control("snapshots/zero/restore")
    assert running.client.v1.products.create({"name": "y"}).id == first
    running.kill()
    again = start("--seed", "5", "--state", state)
    assert [product.name for product in again.client.v1.products.list().data] == ["y"]
    assert again.look("snapshots")["data"] == []
    assert re.fullmatch(r"prod_\w{14}", again.client.v1.products.create({"name": "z"}).id)
    again.stop()
