"""A real sandbox process for the tests, spoken to by the real SDK over HTTP."""

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk_test_tests"


@dataclass
class Sandbox:
    """A started process and ways to talk to it."""

    process: subprocess.Popen[str]
    url: str
    smtp_port: int
    account: str
    client: stripe.StripeClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.client_with()

    def client_with(self, key: str = KEY, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, max_network_retries=retries)

    def control(self, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body or {}, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def look(self, path: str) -> Any:
        return requests.get(f"{self.url}/_sandbox/{path}", timeout=30).json()

    def raw(self, method: str, path: str, body: str = "", **headers: str) -> requests.Response:
        wanted = {
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "application/x-www-form-urlencoded",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return requests.request(method, self.url + path, data=body.encode(), headers=wanted, timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=20)
        return self.process.returncode


def start(*arguments: str, **environment: str) -> Sandbox:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", "--smtp-port", "0", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the sandbox did not start"
    return Sandbox(process, **json.loads(line))


@pytest.fixture(scope="session")
def shared() -> Iterator[Sandbox]:
    """One sandbox for all tests of a worker that only add objects of their own."""
    running = start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def spare() -> Iterator[Sandbox]:
    running = start()
    yield running
    running.kill()


@pytest.fixture
def sandbox(spare: Sandbox) -> Sandbox:
    """A sandbox that is empty, for what turns switches or counts everything."""
    spare.control("reset")
    return spare


@dataclass
class Receiver:
    """A webhook receiver: what arrived, and which status it answers next."""

    url: str
    arrived: "queue.Queue[tuple[bytes, str]]"
    answers: list[int]

    def next(self, seconds: float = 10.0) -> tuple[bytes, str]:
        return self.arrived.get(timeout=seconds)

    def next_event(self, seconds: float = 10.0) -> Any:
        return json.loads(self.next(seconds)[0])

    def collect(self, count: int, seconds: float = 10.0) -> list[Any]:
        return [self.next_event(seconds) for _ in range(count)]

    def nothing_for(self, seconds: float) -> bool:
        try:
            self.arrived.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    arrived: queue.Queue[tuple[bytes, str]] = queue.Queue()
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the sender was killed in the middle
                return
            arrived.put((body, self.headers["Stripe-Signature"]))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Receiver(f"http://127.0.0.1:{server.server_port}/hook", arrived, answers)
    server.shutdown()
    server.server_close()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")
