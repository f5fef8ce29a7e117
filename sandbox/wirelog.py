"""What went over the wire, whole and bounded: API requests, calls to the neighbours, webhook deliveries.

Authorization and cookies are cut before anything is kept, the secrets inside bodies when an entry is read, so
that writing an entry costs next to nothing. It is a log, not state: a restored snapshot leaves it as it is.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

_ENTRIES = 500
_LARGEST_BODY = 64 * 1024
_LARGEST_LOG = 16 * 1024 * 1024
_OPAQUE_HEADERS = frozenset({"cookie", "set-cookie", "proxy-authorization"})

# What stands in for a secret keeps its beginning, so that a reader sees which kind it was.
_SECRETS = [
    (re.compile(r"\b((?:sk|rk)_(?:test|live)_|whsec_|nbt_\w+\.)[\w.+/=-]+"), r"\1…"),
    (re.compile(r"((?:^|&)(?:[^=&]*(?:\[|%5B))?(?:number|cvc)(?:%5D|\])?=)[\d+ %]+", re.IGNORECASE), r"\1…"),
    (re.compile(r'("(?:password|secret|api_?key|token|cvc)"\s*:\s*)"[^"…]*"', re.IGNORECASE), r'\1"…"'),
    (re.compile(r"\b\d(?:[ +]?\d){12,18}\b"), "…"),
]


@dataclass(frozen=True, slots=True)
class Side:
    """One direction: what was sent or what came back."""

    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def of(cls, headers: Mapping[str, str] | Iterable[tuple[str, str]], body: bytes) -> "Side":
        """Headers without their secrets, and the body cut to what is kept."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        return cls([(name, _shown(name, value)) for name, value in pairs], body[: _LARGEST_BODY + 1])


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange. `status` is None when no answer came or none was given; `note` then says why."""

    kind: str
    method: str
    target: str
    sent: Side
    answered: Side | None
    status: int | None
    seconds: float
    note: str | None = None
    more: Mapping[str, Any] | None = None


class WireLog:
    """A ring of entries, newest first when read."""

    def __init__(self) -> None:
        self._entries: deque[tuple[int, float, Entry]] = deque()
        self._numbers = count(1)
        self._size = 0
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        """Keeps one, and lets the oldest go when there is no more room."""
        with self._lock:
            self._entries.appendleft((next(self._numbers), time.time(), entry))
            self._size += _size(entry)
            while len(self._entries) > _ENTRIES or self._size > _LARGEST_LOG:
                self._size -= _size(self._entries.pop()[2])

    def entries(self, *, kind: str | None = None, match: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The newest ones as JSON, with the secrets in their bodies covered."""
        with self._lock:
            kept = list(self._entries)
        found: list[dict[str, Any]] = []
        for number, at, entry in kept:
            if len(found) >= limit:
                break
            if kind in (None, entry.kind) and fnmatchcase(f"{entry.method} {entry.target}", match or "*"):
                found.append(_as_json(number, at, entry))
        return found

    def clear(self) -> None:
        """Forgets all of them."""
        with self._lock:
            self._entries.clear()
            self._size = 0


def _as_json(number: int, at: float, entry: Entry) -> dict[str, Any]:
    answer = entry.answered
    return {
        "number": number,
        "kind": entry.kind,
        "at": round(at, 3),
        "milliseconds": round(entry.seconds * 1000, 1),
        "method": entry.method,
        "path": entry.target,
        "headers": dict(entry.sent.headers),
        "body": _text(entry.sent.body),
        "answer": None
        if answer is None
        else {"status": entry.status, "headers": dict(answer.headers), "body": _text(answer.body)},
        "note": entry.note,
        **(entry.more or {}),
    }


def _text(body: bytes) -> str:
    text = body[:_LARGEST_BODY].decode(errors="replace")
    for pattern, stand_in in _SECRETS:
        text = pattern.sub(stand_in, text)
    return text + ("… (cut)" if len(body) > _LARGEST_BODY else "")


def _shown(name: str, value: str) -> str:
    """The scheme and the kind of a key, never the key: `Bearer sk_test_…`, `Token …`."""
    lower = name.lower()
    if lower in _OPAQUE_HEADERS:
        return "…"
    if lower != "authorization":
        return value
    scheme, _, key = value.partition(" ")
    kind = re.match(r"(?:sk|rk)_(?:test|live)_|nbt_", key)
    return f"{scheme} {kind[0] if kind else ''}…" if key else "…"


def _size(entry: Entry) -> int:
    return len(entry.sent.body) + (len(entry.answered.body) if entry.answered else 0) + 1024
