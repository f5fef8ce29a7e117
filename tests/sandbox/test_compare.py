"""The comparison with Stripe: what it sees, and that without a test key it says that nothing was compared."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from sandbox.compare.__main__ import KEY_VARIABLE, NOT_RUN, compare
from sandbox.compare.fields import differences
from sandbox.contract import API_VERSION
from tests.support import sandbox


def client(url: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_x", stripe_version=API_VERSION, base_addresses={"api": url})


def test_two_sandboxes_are_alike() -> None:
    with sandbox.running() as one, sandbox.running() as other:
        found = compare(client(one.url), client(other.url))
    assert len(found) >= 45
    assert "another interval without a new anchor" in found
    assert {name: [str(each) for each in those] for name, those in found.items() if those} == {}


@pytest.mark.parametrize(
    ("stripe_has", "sandbox_has", "kinds"),
    [
        ({"id": "cus_Q1w2e3r4t5"}, {"id": "cus_A9s8d7f6g5"}, []),
        ({"id": "cus_Q1w2e3r4t5"}, {"id": "in_A9s8d7f6g5"}, ["value"]),
        ({"number": "AB12CD34-0001"}, {"number": "ZZ99ZZ99-0001"}, []),
        ({"number": "AB12CD34-0001"}, {"number": "ZZ99ZZ99-0002"}, ["value"]),
        ({"hosted_invoice_url": "https://invoice.stripe.com/i/a"}, {"hosted_invoice_url": "http://127.0.0.1/b"}, []),
        ({"created": 1_790_000_000}, {"created": 1_790_000_060}, []),
        ({"created": 1_790_000_000}, {"created": 1_790_003_600}, ["value"]),
        ({"amount": 1000}, {"amount": 1001}, ["value"]),
        ({"amount": 0}, {"amount": None}, ["type"]),
        ({"paid": True}, {"paid": 1}, ["type"]),
        ({"a": 1}, {}, ["missing"]),
        ({}, {"a": 1}, ["extra"]),
        ({"data": [{"a": 1}, {"a": 2}]}, {"data": [{"a": 1}]}, ["value"]),
        ({"data": [{"a": 1}]}, {"data": [{"a": 3}]}, ["value"]),
        ({"fingerprint": "x"}, {"fingerprint": "y"}, []),
    ],
)
def test_what_counts_as_different(stripe_has: object, sandbox_has: object, kinds: list[str]) -> None:
    assert [each.kind for each in differences(stripe_has, sandbox_has)] == kinds


@pytest.mark.parametrize("key", ["sk_test_" + "7" * 24, "sk_live_" + "7" * 24])
def test_another_address_than_stripes_never_sees_the_key(key: str) -> None:
    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(str(self.headers["Authorization"]))
            self.send_response(404)
            self.end_headers()

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        subprocess.run(
            [sys.executable, "-m", "sandbox.compare", "--against", url],
            env={**os.environ, KEY_VARIABLE: key},
            capture_output=True,
            check=False,
            timeout=60,
        )
        server.shutdown()
    assert heard
    assert set(heard) == {"Bearer sk_test_sandbox"}


@pytest.mark.parametrize("key", ["", "sk_live_" + "1" * 24])
def test_without_a_test_key_nothing_is_compared_and_that_is_said(key: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.compare"],
        env={**os.environ, KEY_VARIABLE: key},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (NOT_RUN, "")
    assert done.stderr.startswith("not run: ")
    assert key not in done.stderr or not key
