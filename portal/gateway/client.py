"""The one Stripe client, and calls through it: keyed, limited, timed, with failures as domain errors."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import stripe
from flask import Flask, current_app
from werkzeug.http import parse_date

from portal import clock, failpoints
from portal.gateway.errors import PaymentServiceUnavailable, translate

API_VERSION = "2026-10-28.endive"
TIMEOUT_SECONDS = 15
# Stripe forgets an idempotency key after 24 hours: docs.stripe.com/api/idempotent_requests
KEY_IS_KEPT = timedelta(hours=23)
# Stripe allows 25 reads a second in test mode and 100 live; one process takes a part of it.
READS_PER_SECOND = 20.0

T = TypeVar("T")


class TokenBucket:
    """At most ``rate`` takes a second, in bursts of at most ``rate``; waits, never refuses."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take one token, sleeping until there is one."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
            self._at = now
            self._tokens -= 1
            wait = max(0.0, -self._tokens / self._rate)
        if wait:
            time.sleep(wait)


class Gateway:
    """Stripe as the portal uses it."""

    def __init__(self, api_key: str, api_base: str) -> None:
        # No retries inside the SDK: it would invent an idempotency key per call, and our own outbox
        # retries with the key that outlives the process.
        self.stripe = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )
        self._reads = TokenBucket(READS_PER_SECOND)

    def read(self, call: Callable[[stripe.StripeClient], T]) -> T:
        """Ask Stripe something. Raises :class:`portal.gateway.errors.StripeFailure` subclasses."""
        self._reads.take()
        return self._call(call)

    def write(self, call: Callable[[stripe.StripeClient], T]) -> T:
        """Change something at Stripe; the call itself carries its idempotency key in ``options``."""
        return self._call(call)

    def _call(self, call: Callable[[stripe.StripeClient], T]) -> T:
        point = f"stripe.{failpoints.caller_name(call)}"
        try:
            with failpoints.around(point, _no_connection):
                answer = call(self.stripe)
        except stripe.StripeError as error:
            raise translate(error) from error
        _hear_the_time(answer)
        return answer


def _hear_the_time(answer: Any) -> None:
    headers = getattr(getattr(answer, "last_response", None), "headers", {})
    if (date := parse_date(headers.get("Date"))) is not None:
        clock.hear_stripe(date)


def _no_connection() -> stripe.APIConnectionError:
    return stripe.APIConnectionError("a failpoint")  # type: ignore[no-untyped-call]


def as_dict(resource: Any) -> dict[str, Any]:
    """A Stripe resource as plain nested dictionaries: resources are no mappings since SDK 15."""
    found: dict[str, Any] = resource.to_dict()
    return found


def key_is_forgotten(first_asked_at: datetime) -> bool:
    """Whether a request first sent then has to be looked for: sent again with its key, Stripe could do it twice."""
    return first_asked_at <= clock.now() - KEY_IS_KEPT


def keyed(key: str) -> stripe.RequestOptions:
    """The options of a write whose key is ``key``: same key and parameters, same effect, once."""
    return {"idempotency_key": key}


def init_gateway(app: Flask) -> None:
    settings = app.extensions["settings"]
    app.extensions["gateway"] = Gateway(settings.stripe_api_key, settings.stripe_api_base)


def gateway() -> Gateway:
    """The running app's gateway."""
    found: Gateway = current_app.extensions["gateway"]
    return found


__all__ = [
    "API_VERSION",
    "Gateway",
    "PaymentServiceUnavailable",
    "as_dict",
    "gateway",
    "init_gateway",
    "keyed",
]
