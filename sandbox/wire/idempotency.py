"""Idempotency keys as Stripe keeps them: POST only, 24 hours by the global clock.

The answer is stored in the same transaction as its effect, so a killed sandbox never has one without
the other. Keys of requests that are still running are held in memory only.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..engine.work import Obj, Work
from .errors import Answer, WireError

KIND = "_idempotency"
KEPT_SECONDS = 24 * 3600


def fingerprint(params: dict[str, Any]) -> str:
    """What must be equal for the same key: the parameters as they were sent."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


class Running:
    """The keys in use by requests that are running now."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, key: str | None) -> Iterator[None]:
        """Holds the key for the block; a second request with it is refused with 409."""
        if key is None:
            yield
            return
        with self._lock:
            if key in self._keys:
                raise WireError(
                    409,
                    "idempotency_error",
                    "There is currently another in-progress request using this Idempotent Key (that probably "
                    f"means you submitted twice, and the other request is still going through): {key}. "
                    "Please try again later.",
                    code="idempotency_key_in_use",
                    retry=True,
                )
            self._keys.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)


def stored_answer(work: Work, key: str, endpoint: str, params: dict[str, Any]) -> Answer | None:
    """The kept answer of the key, None for a new key; 400 idempotency_error for another request."""
    saved = work.find(KIND, key)
    if saved is None or saved["created"] + KEPT_SECONDS <= work.global_now:
        return None
    if saved["endpoint"] != endpoint:
        raise _mismatch(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for "
            f"('{saved['endpoint']}' vs '{endpoint}').",
            key,
        )
    if saved["params"] != fingerprint(params):
        raise _mismatch(
            "Keys for idempotent requests can only be used with the same parameters they were first used with.",
            key,
        )
    headers = {"Idempotent-Replayed": "true", "Original-Request": saved["request"]}
    return Answer(saved["status"], saved["body"], headers)


def keep(work: Work, key: str, endpoint: str, params: dict[str, Any], answer: Answer) -> None:
    """Keeps an answer under its key, together with the effects of the work."""
    body: Obj = {
        "id": key,
        "endpoint": endpoint,
        "params": fingerprint(params),
        "status": answer.status,
        "body": answer.body,
        "request": work.request_id,
        "created": work.global_now,
    }
    work.add(KIND, body)


def forget_old(work: Work) -> None:
    """Removes the keys whose time is over."""
    for saved in list(work.all(KIND)):
        if saved["created"] + KEPT_SECONDS <= work.global_now:
            work.remove(KIND, saved["id"])


def forget_all(work: Work) -> int:
    """Removes every key; returns how many there were."""
    keys = list(work.all(KIND))
    for saved in keys:
        work.remove(KIND, saved["id"])
    return len(keys)


def _mismatch(reason: str, key: str) -> WireError:
    return WireError(
        400,
        "idempotency_error",
        f"{reason} Try using a key other than '{key}' if you meant to execute a different request.",
    )
