"""Receivers for signed webhooks: they keep what came, byte for byte, and answer as they were told."""

import hashlib
import hmac
from typing import Any

import pytest
import requests

from .conftest import Sandbox

SECRET = b"portal-secret"


def send(sandbox: Sandbox, body: bytes, name: str = "acme", **headers: str) -> requests.Response:
    signature = hmac.new(SECRET, b"1700000000." + body, hashlib.sha256).hexdigest()
    wanted = {
        "Content-Type": "application/json",
        "Webhook-Signature": f"t=1700000000,v1={signature}",
        "Webhook-Id": "evt-7",
        **headers,
    }
    return requests.post(f"{sandbox.url}/hooks/{name}?tenant=7", data=body, headers=wanted, timeout=10)


def test_what_came_is_kept_byte_for_byte(sandbox: Sandbox) -> None:
    body = '{"amount": "29.00 €",  "b":1}'.encode()
    answer = send(sandbox, body)
    assert (answer.status_code, answer.text) == (200, "ok")
    kept = sandbox.look("hooks/acme")["data"][0]
    told = hmac.new(SECRET, b"1700000000." + kept["body"].encode(), hashlib.sha256).hexdigest()
    assert kept["telling"] == {"Webhook-Signature": f"t=1700000000,v1={told}", "Webhook-Id": "evt-7"}
    assert (kept["method"], kept["query"], kept["answered"]) == ("POST", "tenant=7", 200)
    assert kept["headers"]["Content-Type"] == "application/json"


def test_the_pages_show_the_signature_raw(sandbox: Sandbox) -> None:
    send(sandbox, b'{"x": "<script>"}')
    listed = requests.get(f"{sandbox.url}/hooks", timeout=10).text
    assert 'href="/hooks/acme"' in listed
    shown = requests.get(f"{sandbox.url}/hooks/acme", timeout=10).text
    assert "Webhook-Signature: t=1700000000,v1=" in shown
    assert "&lt;script&gt;" in shown
    requests.post(f"{sandbox.url}/hooks/acme/clear", timeout=10)
    assert "Nothing came to acme yet." in requests.get(f"{sandbox.url}/hooks/acme", timeout=10).text


@pytest.mark.parametrize("mode", ["204", "301", "400", "410", "429", "500", "503"])
def test_it_answers_any_status_and_keeps_the_request(sandbox: Sandbox, mode: str) -> None:
    sandbox.control("hooks/acme/mood", {"mode": mode})
    answer = requests.post(f"{sandbox.url}/hooks/acme", data=b"{}", allow_redirects=False, timeout=10)
    assert answer.status_code == int(mode)
    assert ("Retry-After" in answer.headers) == (mode in ("429", "503"))
    assert sandbox.look("hooks/acme")["data"][0]["answered"] == int(mode)
    assert send(sandbox, b"{}", "other").status_code == 200


def test_answers_come_in_the_order_given(sandbox: Sandbox) -> None:
    sandbox.control("hooks/acme/mood", {"answers": ["500", "drop", "lost_answer", 202]})
    assert send(sandbox, b"1").status_code == 500
    for body in (b"2", b"3"):
        with pytest.raises(requests.ConnectionError):
            send(sandbox, body)
    assert [send(sandbox, body).status_code for body in (b"4", b"5")] == [202, 200]
    assert [row["body"] for row in sandbox.look("hooks/acme")["data"]] == ["5", "4", "3", "1"]


def test_a_slow_receiver_outlasts_a_sender(sandbox: Sandbox) -> None:
    sandbox.control("hooks/acme/mood", {"mode": "slow", "seconds": 5})
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{sandbox.url}/hooks/acme", data=b"{}", timeout=0.3)


def test_each_receiver_is_emptied_alone(sandbox: Sandbox) -> None:
    for name in ("a", "b", "a"):
        send(sandbox, b"{}", name)
    gone = requests.delete(f"{sandbox.url}/_sandbox/hooks/a", json={}, timeout=10)
    assert gone.json() == {"deleted": 2}
    assert [row["name"] for row in sandbox.look("hooks")["data"]] == ["b"]
    assert requests.delete(f"{sandbox.url}/_sandbox/hooks", json={}, timeout=10).json() == {"deleted": 1}


@pytest.mark.parametrize(
    ("path", "body"),
    [("hooks/a%20b/mood", {}), ("hooks/a/mood", {"mode": "150"}), ("hooks/a/mood", {"mode": "no_service"})],
)
def test_wrong_moods_are_refused(shared: Sandbox, path: str, body: dict[str, Any]) -> None:
    answer = requests.post(f"{shared.url}/_sandbox/{path}", json=body, timeout=10)
    assert answer.status_code in (400, 404)


def test_stripe_may_be_pointed_at_a_receiver(sandbox: Sandbox) -> None:
    wanted: Any = {"url": f"{sandbox.url}/hooks/stripe", "enabled_events": ["product.created"]}
    sandbox.client.v1.webhook_endpoints.create(wanted)
    sandbox.control("fail", {"match": "POST /v1/products", "mode": "webhook_first"})
    sandbox.client.v1.products.create({"name": "seen"})
    row = sandbox.look("hooks/stripe")["data"][0]
    assert row["telling"]["Stripe-Signature"].startswith("t=")
    assert '"name": "seen"' in row["body"]
