"""Webhooks: signature, retries, and every trick a test may play with deliveries."""

import json
import time

import pytest
import requests
import stripe

from .conftest import Receiver, Sandbox, start, wait_for
from .support import endpoint, paid_session, product_with_price


def test_a_delivery_verifies_with_the_sdk(sandbox: Sandbox, receiver: Receiver) -> None:
    secret = endpoint(sandbox, receiver).secret
    sandbox.client.v1.products.create({"name": "Signed"})
    body, signature = receiver.next()
    event = stripe.Webhook.construct_event(body, signature, secret)
    assert event.type == "product.created"
    assert event.data.object["name"] == "Signed"
    assert event.api_version == "2026-10-28.endive"
    assert event.pending_webhooks == 1
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", signature, secret)
    wait_for(lambda: sandbox.client.v1.events.retrieve(event.id).pending_webhooks == 0)


def test_only_wanted_events_are_sent(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver, ["price.created"])
    product_with_price(sandbox)
    assert receiver.next_event()["type"] == "price.created"
    assert receiver.nothing_for(0.3)


def test_a_paid_checkout_announces_stripes_sequence(sandbox: Sandbox, receiver: Receiver) -> None:
    _, price = product_with_price(sandbox)
    customer = sandbox.client.v1.customers.create({"email": "order@example.com"})
    endpoint(sandbox, receiver)
    paid_session(sandbox, price.id, customer=customer.id)
    events = receiver.collect(13)
    assert [event["type"] for event in events] == [
        "payment_intent.created",
        "payment_method.attached",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
        "checkout.session.completed",
    ]
    by_type = {event["type"]: event for event in events}
    created = by_type["customer.subscription.created"]["data"]["object"]
    assert created["status"] == "incomplete"
    assert created["latest_invoice"] == by_type["invoice.created"]["data"]["object"]["id"]
    updated = by_type["customer.subscription.updated"]
    assert updated["data"]["object"]["status"] == "active"
    assert updated["data"]["previous_attributes"]["status"] == "incomplete"


def test_a_failing_receiver_is_tried_again(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    receiver.answers.extend([500, 302, 200])
    sandbox.client.v1.products.create({"name": "Again"})
    first, second, third = receiver.collect(3)
    assert first["id"] == second["id"] == third["id"]
    assert receiver.nothing_for(0.3)
    delivery = sandbox.look("deliveries")["data"][0]
    assert (delivery["status"], delivery["attempts"]) == ("delivered", 3)


def test_undelivered_events_are_found_by_delivery_success(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    receiver.answers.extend([500] * 20)
    product = sandbox.client.v1.products.create({"name": "Late"})
    receiver.next()
    late = wait_for(lambda: sandbox.client.v1.events.list({"delivery_success": False}).data)
    assert [event.data.object["id"] for event in late] == [product.id]
    assert sandbox.client.v1.events.list({"delivery_success": True}).data == []


def test_hold_and_release(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"mode": "hold"})
    for name in "abc":
        sandbox.client.v1.products.create({"name": name})
    assert receiver.nothing_for(0.3)
    sandbox.control("deliveries", {"mode": "release"})
    assert [event["data"]["object"]["name"] for event in receiver.collect(3)] == ["a", "b", "c"]


def test_release_in_reverse_order(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"mode": "hold", "order": "reverse"})
    for name in "abc":
        sandbox.client.v1.products.create({"name": name})
    sandbox.control("deliveries", {"mode": "release"})
    assert [event["data"]["object"]["name"] for event in receiver.collect(3)] == ["c", "b", "a"]


def test_duplicates_carry_one_id_and_splits_two(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"duplicate": 2})
    sandbox.client.v1.products.create({"name": "twice"})
    first, second = receiver.collect(2)
    assert first["id"] == second["id"]
    sandbox.control("deliveries", {"mode": "normal"})
    sandbox.control("deliveries", {"split": True})
    sandbox.client.v1.products.create({"name": "split"})
    first, second = receiver.collect(2)
    assert first["id"] != second["id"]
    assert first["data"] == second["data"]
    assert receiver.nothing_for(0.3)


def test_drop_delay_and_another_version(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"mode": "drop"})
    lost = sandbox.client.v1.products.create({"name": "lost"})
    assert receiver.nothing_for(0.3)
    sandbox.control("deliveries", {"mode": "normal"})
    sandbox.control("deliveries", {"api_version": "2024-06-20", "delay": 1})
    began = time.monotonic()
    sandbox.client.v1.products.create({"name": "late"})
    assert receiver.next_event()["api_version"] == "2024-06-20"
    assert time.monotonic() - began > 0.9
    event = sandbox.client.v1.events.list({"type": "product.*"}).data[-1]
    assert event.data.object["id"] == lost.id
    sandbox.control("deliveries/redeliver", {"event": event.id})
    assert receiver.next_event()["id"] == event.id


def test_suppressed_events_are_neither_sent_nor_listed(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"suppress": ["product.*"]})
    product_with_price(sandbox)
    assert receiver.next_event()["type"] == "price.created"
    assert receiver.nothing_for(0.3)
    assert sandbox.client.v1.events.list({"type": "product.*"}).data == []
    sandbox.control("deliveries", {"mode": "normal"})
    sandbox.client.v1.products.create({"name": "told"})
    assert receiver.next_event()["data"]["object"]["name"] == "told"


def test_events_are_kept_for_thirty_days(sandbox: Sandbox) -> None:
    old = sandbox.client.v1.products.create({"name": "old"})
    sandbox.control("clock", {"advance_seconds": 29 * 86400})
    assert [event.data.object["id"] for event in sandbox.client.v1.events.list().data] == [old.id]
    event_id = sandbox.client.v1.events.list().data[0].id
    sandbox.control("clock", {"advance_seconds": 86400})
    assert sandbox.client.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        sandbox.client.v1.events.retrieve(event_id)
    sandbox.client.v1.products.create({"name": "new"})
    headers = {"Content-Type": "application/json"}
    assert requests.delete(f"{sandbox.url}/_sandbox/events", headers=headers, timeout=10).json()["deleted"] == 2
    assert sandbox.client.v1.events.list().data == []


def test_wrong_switches_are_refused(sandbox: Sandbox) -> None:
    for body in (
        {"mode": "sideways"},
        {"duplicate": 0},
        {"order": "random"},
        {"nonsense": 1},
        {"split": "yes"},
        {"suppress": [7]},
    ):
        sandbox.control("deliveries", body, status=400)
    assert sandbox.look("deliveries")["settings"]["mode"] == "normal"
    answer = requests.post(f"{sandbox.url}/_sandbox/reset", data="x", timeout=10)
    assert answer.status_code == 400


def test_the_endpoint_of_the_command_line_is_registered_once(receiver: Receiver, tmp_path: object) -> None:
    state = f"{tmp_path}/state"
    arguments = ("--state", state, "--webhook-url", receiver.url, "--webhook-secret", "whsec_fixed")
    for _ in range(2):
        running = start(*arguments)
        endpoints = running.client.v1.webhook_endpoints.list().data
        assert [found.url for found in endpoints] == [receiver.url]
        running.client.v1.products.create({"name": "Fixed"})
        body, signature = receiver.next()
        assert stripe.Webhook.construct_event(body, signature, "whsec_fixed").type == "product.created"
        assert running.stop() == 0


def test_a_pending_delivery_and_the_state_survive_kill_9(receiver: Receiver, tmp_path: object) -> None:
    state = f"{tmp_path}/state"
    running = start("--state", state)
    endpoint(running, receiver)
    receiver.answers.append(500)
    _, price = product_with_price(running)
    customer = running.client.v1.customers.create({"email": "kill@example.com"})
    session = paid_session(running, price.id, customer=customer.id)
    running.control("deliveries", {"mode": "hold"})
    held = running.client.v1.products.create({"name": "held"})
    running.kill()
    again = start("--state", state)
    assert again.account == running.account
    assert again.client.v1.products.retrieve(held.id).name == "held"
    assert again.client.v1.subscriptions.retrieve(session["subscription"]).status == "active"
    again.control("deliveries", {"mode": "release"})
    seen = {}
    while held.id not in seen:
        event = json.loads(receiver.next()[0])
        seen[event["data"]["object"]["id"]] = event["type"]
    assert again.stop() == 0


def test_a_torn_last_line_is_dropped(tmp_path: object) -> None:
    state = f"{tmp_path}/state"
    running = start("--state", state)
    running.client.v1.products.create({"name": "whole"})
    running.kill()
    with open(state, "a") as journal:
        journal.write('[["product","prod_torn",{"id":"prod_')
    again = start("--state", state)
    assert [product.name for product in again.client.v1.products.list().data] == ["whole"]
    again.stop()
