"""A real sandbox process for tests, and its control API."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT = 60
AUTH = ("sk_test_portal", "")


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its address, its SMTP port, its account, its process."""

    url: str
    smtp_port: int
    account: str
    pid: int

    def get(self, path: str) -> Any:
        """A page of the control API."""
        answer = requests.get(f"{self.url}/_sandbox/{path}", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        """An act of the control API."""
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def forget(self, path: str) -> None:
        """Throw away what a page of the control API shows."""
        requests.delete(f"{self.url}/_sandbox/{path}", json={}, timeout=TIMEOUT).raise_for_status()

    def pay(self, session_id: str, card: str = "4242424242424242", **more: Any) -> Any:
        """Pay a Checkout session as its page would."""
        return self.post(f"checkout/{session_id}/pay", card=card, **more)

    def listed(self, kind: str, **params: str) -> list[dict[str, Any]]:
        """All of one of Stripe's lists, such as "events" or "checkout/sessions", the newest first."""
        return listed(self.url, kind, **params)

    def environment(self) -> dict[str, str]:
        """What the portal needs to know of this sandbox."""
        return {"STRIPE_API_BASE": self.url, "SMTP_PORT": str(self.smtp_port)}


def listed(api_base: str, kind: str, **params: str) -> list[dict[str, Any]]:
    """All pages of one of Stripe's lists, exactly as they are on the wire."""
    found: list[dict[str, Any]] = []
    while True:
        more = {"starting_after": found[-1]["id"]} if found else {}
        asked = {"limit": "100", **params, **more}
        page = requests.get(f"{api_base}/v1/{kind}", asked, auth=AUTH, timeout=TIMEOUT).json()
        found += page["data"]
        if not page["has_more"]:
            return found


@contextmanager
def running(*arguments: str) -> Iterator[Sandbox]:
    """A sandbox on free ports, ended afterwards."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--smtp-port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            ready = json.loads(line)
            yield Sandbox(ready["url"], ready["smtp_port"], ready["account"], process.pid)
        finally:
            process.terminate()
            process.wait(TIMEOUT)
