"""The newer tricks on deliveries: signatures, versions, orders, who comes first, and what Stripe's books say."""

import json
import threading
import time
from typing import Any

import pytest
import requests
import stripe

from sandbox.deliveries.signing import signature_header

from .conftest import Receiver, Sandbox, wait_for
from .support import endpoint, open_session, paid_session, product_with_price


def verified(body: bytes, signature: str, secret: str | None, tolerance: int = 300) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body.decode(), signature, str(secret), tolerance)
    except stripe.SignatureVerificationError:
        return False
    return True


def test_an_old_signature_is_refused_by_the_sdk(sandbox: Sandbox, receiver: Receiver) -> None:
    secret = endpoint(sandbox, receiver).secret
    sandbox.control("deliveries", {"signature_age": 301})
    sandbox.client.v1.products.create({"name": "old"})
    body, signature = receiver.next()
    assert not verified(body, signature, secret)
    assert verified(body, signature, secret, tolerance=400)
    sandbox.control("deliveries", {"mode": "normal"})
    sandbox.client.v1.products.create({"name": "new"})
    assert verified(*receiver.next(), secret)


def test_two_secrets_sign_while_one_is_rolled(sandbox: Sandbox, receiver: Receiver) -> None:
    made = endpoint(sandbox, receiver)
    rolled = sandbox.control(f"webhook_endpoints/{made.id}/roll", {"expire_in_seconds": 3600})
    assert rolled["former"][0]["secret"] == made.secret
    sandbox.client.v1.products.create({"name": "both"})
    body, signature = receiver.next()
    assert verified(body, signature, made.secret)
    assert verified(body, signature, rolled["secret"])
    shown = sandbox.look("webhook_endpoints")["data"][0]
    assert (shown["id"], shown["secrets"]) == (made.id, [rolled["secret"], made.secret])
    sandbox.control("clock", {"advance_seconds": 3601})
    sandbox.client.v1.products.create({"name": "one"})
    body, signature = receiver.next()
    assert not verified(body, signature, made.secret)
    assert verified(body, signature, rolled["secret"])


def test_a_rolled_secret_lives_a_day_at_most(sandbox: Sandbox, receiver: Receiver) -> None:
    made = endpoint(sandbox, receiver)
    sandbox.control(f"webhook_endpoints/{made.id}/roll", {"expire_in_seconds": 86401}, status=400)
    sandbox.control("webhook_endpoints/we_none/roll", status=404)
    rolled = sandbox.control(f"webhook_endpoints/{made.id}/roll", {"expire_in_seconds": 0, "secret": "whsec_mine"})
    assert rolled == {"id": made.id, "secret": "whsec_mine", "former": []}
    sandbox.client.v1.products.create({"name": "mine"})
    assert verified(*receiver.next(), "whsec_mine")


def test_the_worthless_scheme_verifies_nothing() -> None:
    header = signature_header(b"{}", ["whsec_a"], int(time.time()))
    assert header.count("v1=") == header.count("v0=") == 1
    assert verified(b"{}", header, "whsec_a")
    assert not verified(b"{}", header.replace("v1=", "v2="), "whsec_a")


def test_a_release_may_shuffle(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"mode": "hold", "order": "shuffle"})
    names = [str(number) for number in range(12)]
    for name in names:
        sandbox.client.v1.products.create({"name": name})
    sandbox.control("deliveries", {"mode": "release"})
    arrived = [event["data"]["object"]["name"] for event in receiver.collect(12)]
    assert sorted(arrived) == sorted(names)
    assert arrived not in (names, names[::-1])


def test_deliveries_may_overtake_each_other(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"shuffle": 1.5})
    names = [str(number) for number in range(10)]
    for name in names:
        sandbox.client.v1.products.create({"name": name})
    arrived = [event["data"]["object"]["name"] for event in receiver.collect(10)]
    assert sorted(arrived) == names
    assert arrived != names


def test_a_release_sends_what_is_delayed(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"delay": 600})
    sandbox.client.v1.products.create({"name": "slow"})
    assert receiver.nothing_for(0.3)
    sandbox.control("deliveries", {"mode": "release"})
    assert receiver.next_event()["data"]["object"]["name"] == "slow"


def test_the_webhook_comes_before_the_answer(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("fail", {"match": "POST /v1/products", "mode": "webhook_first"})
    answered: list[Any] = []
    caller = threading.Thread(target=lambda: answered.append(sandbox.client.v1.products.create({"name": "first"})))
    receiver.answers.append(200)
    caller.start()
    event = receiver.next_event()
    caller.join(10)
    assert answered[0].id == event["data"]["object"]["id"]
    wire = sandbox.look("wire")["data"]
    assert [entry["kind"] for entry in wire[:2]] == ["request", "delivery"]


@pytest.mark.parametrize("mode", ["503", "404", "429"])
def test_a_fault_may_be_any_status(sandbox: Sandbox, mode: str) -> None:
    sandbox.control("fail", {"match": "GET /v1/products", "mode": mode})
    assert sandbox.raw("GET", "/v1/products").status_code == int(mode)
    assert sandbox.raw("GET", "/v1/products").status_code == 200
    sandbox.control("fail", {"match": "GET /v1/products", "mode": "299"}, status=400)


def test_waiting_for_a_webhook_ends(sandbox: Sandbox) -> None:
    url = "http://127.0.0.1:9/nobody"
    sandbox.client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})
    sandbox.control("deliveries", {"mode": "hold"})
    sandbox.control("fail", {"match": "POST /v1/products", "mode": "webhook_first", "seconds": 30})
    began = time.monotonic()
    sandbox.client.v1.products.create({"name": "held"})
    assert time.monotonic() - began < 10


def pay_in_browser(sandbox: Sandbox, session_id: str) -> requests.Response:
    form = {"email": "p@example.com", "number": "4242424242424242", "expiry": "12/34", "cvc": "123"}
    return requests.post(f"{sandbox.url}/c/pay/{session_id}", form, allow_redirects=False, timeout=30)


def test_the_page_waits_for_the_shop_and_then_redirects(sandbox: Sandbox, receiver: Receiver) -> None:
    _, price = product_with_price(sandbox)
    endpoint(sandbox, receiver, ["checkout.session.completed"])
    session = open_session(sandbox, price.id)
    assert pay_in_browser(sandbox, session.id).status_code == 303
    assert not receiver.arrived.empty()


def test_the_page_waits_no_longer_than_told(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    hooks = f"{sandbox.url}/c/pay/none"
    sandbox.client.v1.webhook_endpoints.create({"url": hooks, "enabled_events": ["checkout.session.completed"]})
    sandbox.control("deliveries", {"mode": "hold"})
    began = time.monotonic()
    assert pay_in_browser(sandbox, open_session(sandbox, price.id).id).status_code == 303
    assert time.monotonic() - began < 5


def test_the_redirect_comes_before_the_webhook(sandbox: Sandbox, receiver: Receiver) -> None:
    _, price = product_with_price(sandbox)
    endpoint(sandbox, receiver)
    session = open_session(sandbox, price.id)
    sandbox.control("deliveries", {"redirect_first": 600})
    assert pay_in_browser(sandbox, session.id).status_code == 303
    assert receiver.nothing_for(0.3)
    sandbox.control("deliveries", {"mode": "release"})
    types = [event["type"] for event in receiver.collect(14)]
    assert types[-1] == "checkout.session.completed"
    paid_session(sandbox, price.id)
    assert receiver.nothing_for(0.3)


def test_pending_webhooks_counts_endpoints_not_copies(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    sandbox.control("deliveries", {"duplicate": 3})
    sandbox.client.v1.products.create({"name": "thrice"})
    receiver.collect(3)
    wait_for(lambda: sum(entry["status"] == "delivered" for entry in sandbox.look("deliveries")["data"]) == 3)
    event = sandbox.client.v1.events.list().data[0]
    assert event.pending_webhooks == 1


def test_what_was_lost_stays_undelivered_until_it_is_sent_again(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    sandbox.control("deliveries", {"mode": "drop"})
    sandbox.client.v1.products.create({"name": "lost"})
    sandbox.control("deliveries", {"mode": "normal"})
    late = sandbox.client.v1.events.list({"delivery_success": False}).data
    assert [event.data.object["name"] for event in late] == ["lost"]
    assert late[0].pending_webhooks == 1
    sandbox.control("deliveries/redeliver", {"event": late[0].id})
    receiver.next()
    wait_for(lambda: sandbox.client.v1.events.list({"delivery_success": True}).data)
    assert sandbox.client.v1.events.list({"delivery_success": False}).data == []


def test_an_endpoint_that_is_gone_is_not_waited_for(sandbox: Sandbox) -> None:
    made = sandbox.client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    sandbox.control("deliveries", {"mode": "hold"})
    sandbox.client.v1.products.create({"name": "x"})
    sandbox.client.v1.webhook_endpoints.delete(made.id)
    sandbox.control("deliveries", {"mode": "release"})
    wait_for(lambda: sandbox.look("deliveries")["data"][0]["status"] == "canceled")
    assert sandbox.client.v1.events.list({"delivery_success": False}).data == []


def test_an_endpoint_gets_the_shapes_of_its_version(sandbox: Sandbox, receiver: Receiver) -> None:
    _, price = product_with_price(sandbox)
    wanted: Any = ["customer.subscription.updated", "invoice.paid"]
    sandbox.client.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": wanted, "api_version": "2024-06-20"}
    )
    paid = paid_session(sandbox, price.id)
    events = {event["type"]: event for event in receiver.collect(2)}
    subscription = events["customer.subscription.updated"]["data"]["object"]
    assert events["invoice.paid"]["api_version"] == "2024-06-20"
    assert subscription["current_period_end"] > subscription["current_period_start"]
    assert "current_period_end" not in subscription["items"]["data"][0]
    invoice = events["invoice.paid"]["data"]["object"]
    assert (invoice["subscription"], invoice["paid"]) == (paid["subscription"], True)
    assert invoice["payment_intent"].startswith("pi_")
    assert invoice["charge"].startswith("ch_")
    assert "parent" not in invoice
    line = invoice["lines"]["data"][0]
    assert (line["type"], line["proration"], line["price"]["id"]) == ("subscription", False, price.id)
    # The event itself is kept in the version of the account.
    stored = sandbox.client.v1.events.list({"type": "invoice.paid"}).data[0]
    assert stored.api_version == "2026-10-28.endive"
    assert "parent" in json.loads(json.dumps(stored.data.object, default=str))


@pytest.mark.parametrize(
    "body",
    [
        {"shuffle": -1}, {"signature_age": 1.5}, {"redirect_waits": 61}, {"delay": True}, {"duplicate": 21},
        {"order": "sideways"}, {"redirect_first": "soon"}, {"id": "x"},
    ],
)  # fmt: skip
def test_wrong_tricks_are_refused(shared: Sandbox, body: dict[str, Any]) -> None:
    before = shared.look("deliveries")["settings"]
    assert "error" in shared.control("deliveries", body, status=400)
    assert shared.look("deliveries")["settings"] == before
