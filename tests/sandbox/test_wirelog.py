"""The wire log: what was sent and answered, whole, bounded, and without its secrets."""

import json
from typing import Any

import pytest
import requests
import stripe

from sandbox.wirelog import Entry, Side, WireLog

from .conftest import KEY, Receiver, Sandbox, wait_for
from .support import endpoint


def test_a_request_is_there_with_its_answer(sandbox: Sandbox) -> None:
    product = sandbox.client.v1.products.create({"name": "Wired", "metadata": {"a": "b"}})
    entry = sandbox.look("wire")["data"][0]
    assert (entry["kind"], entry["method"], entry["path"]) == ("request", "POST", "/v1/products")
    assert entry["body"] == "name=Wired&metadata[a]=b"
    assert entry["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert entry["answer"]["status"] == 200
    assert json.loads(entry["answer"]["body"])["id"] == product.id
    assert entry["answer"]["headers"]["Request-Id"].startswith("req_")


def test_no_secret_is_in_it(sandbox: Sandbox, receiver: Receiver) -> None:
    secret = str(endpoint(sandbox, receiver).secret)
    sandbox.raw("POST", "/v1/payment_methods", "type=card&card[number]=4242424242424242&card%5Bcvc%5D=987&x=1")
    live = {"Authorization": "Bearer sk_live_" + "x" * 24}
    requests.get(f"{sandbox.url}/v1/products", headers=live, timeout=10)
    requests.get(f"{sandbox.url}/v1/products", auth=(KEY, ""), timeout=10)
    text = json.dumps(sandbox.look("wire"), ensure_ascii=False)
    for forbidden in (secret, KEY, "4242424242424242", "x" * 24, "c2tfdGVzdF90ZXN0czo="):
        assert forbidden not in text, forbidden
    assert "Bearer sk_live_…" in text
    assert "Basic …" in text
    assert "whsec_…" in text
    assert "card[number]=…&card%5Bcvc%5D=…&x=1" in text


def test_a_delivery_is_there_with_its_answer(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver)
    receiver.answers.append(503)
    sandbox.client.v1.products.create({"name": "Told"})
    body, signature = receiver.next()
    receiver.next()
    wait_for(lambda: len(sandbox.look("wire?kind=delivery")["data"]) == 2)
    second, first = sandbox.look("wire?kind=delivery")["data"]
    assert first["path"] == receiver.url
    assert first["body"] == body.decode()
    assert first["headers"]["Stripe-Signature"] == signature
    assert (first["attempt"], first["answer"]["status"], first["note"]) == (1, 503, "HTTP 503")
    assert (second["attempt"], second["answer"]["status"], second["note"]) == (2, 200, None)
    assert first["type"] == "product.created"
    assert first["event"] == json.loads(body)["id"]


def test_an_answer_that_was_lost_is_told(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "POST /v1/products", "mode": "drop_after_effect"})
    with pytest.raises(stripe.APIConnectionError):
        sandbox.client.v1.products.create({"name": "Lost"})
    entry = sandbox.look("wire")["data"][0]
    assert entry["answer"] is None
    assert "ended" in entry["note"]


def test_it_is_searched_and_emptied(sandbox: Sandbox) -> None:
    sandbox.client.v1.products.create({"name": "a"})
    sandbox.client.v1.products.list()
    sandbox.client.v1.products.list({"limit": 3})
    assert len(sandbox.look("wire")["data"]) == 3
    assert len(sandbox.look("wire?limit=2")["data"]) == 2
    found = sandbox.look("wire?match=GET /v1/products*")["data"]
    assert [entry["path"] for entry in found] == ["/v1/products?limit=3", "/v1/products"]
    assert "unknown key" in sandbox.look("wire?lmit=2")["error"]
    requests.delete(f"{sandbox.url}/_sandbox/wire", json={}, timeout=10)
    assert sandbox.look("wire")["data"] == []


def exchange(size: int, target: str = "/x") -> Entry:
    side = Side.of([], b"x" * size)
    return Entry("request", "POST", target, side, side, 200, 0.0)


def test_it_is_bounded_in_number_and_in_size() -> None:
    log = WireLog()
    for number in range(700):
        log.add(exchange(10, f"/{number}"))
    entries = log.entries(limit=10_000)
    assert (len(entries), entries[0]["path"], entries[-1]["path"]) == (500, "/699", "/200")
    for _ in range(500):
        log.add(exchange(1024 * 1024))
    entries = log.entries(limit=10_000)
    kept = sum(len(entry["body"]) + len(entry["answer"]["body"]) for entry in entries)
    assert kept < 17 * 1024 * 1024
    assert entries[0]["body"].endswith("… (cut)")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"password": "hush", "a": 1}', '{"password": "…", "a": 1}'),
        ('{"jsonrpc": "2.0", "api_key": "k"}', '{"jsonrpc": "2.0", "api_key": "…"}'),
        ("token=1&number=4242&b=2", "token=1&number=…&b=2"),
        ("number=INV-7&b=2", "number=INV-7&b=2"),
        ('{"number": "4242 4242 4242 4242", "n": 1795413772}', '{"number": "…", "n": 1795413772}'),
        ("nbt_abc.SECRET and whsec_SECRET", "nbt_abc.… and whsec_…"),
    ],
)
def test_what_is_covered_in_bodies(body: str, shown: str) -> None:
    log = WireLog()
    log.add(Entry("outside", "POST", "/x", Side.of([], body.encode()), None, None, 0.0))
    entry: Any = log.entries()[0]
    assert entry["body"] == shown
