"""One try to deliver a webhook over HTTP."""

import http.client
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..wirelog import Side

_TIMEOUT = 10.0
_LARGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """`status` of the answer, or None and the `error`; `sent` and `answered` are for the wire log."""

    status: int | None
    error: str | None
    sent: Side = field(default_factory=lambda: Side([], b""))
    answered: Side | None = None
    seconds: float = 0.0

    @property
    def is_success(self) -> bool:
        """Only 2xx counts; a redirect is a failure."""
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: bytes, signature: str) -> Outcome:
    """Sends it and reads the answer; never raises for what the other side does."""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature,
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = Side.of(headers, body)
    began = time.perf_counter()
    try:
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        answer = response.read(_LARGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        return Outcome(None, f"{type(error).__name__}: {error}", sent, None, time.perf_counter() - began)
    finally:
        connection.close()
    problem = None if 200 <= response.status < 300 else f"HTTP {response.status}"
    answered = Side.of(response.getheaders(), answer)
    return Outcome(response.status, problem, sent, answered, time.perf_counter() - began)
