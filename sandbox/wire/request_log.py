"""The last requests, for the index page and for tests; keys and card numbers are not in it."""

import threading
import time
from collections import deque
from typing import Any

_KEPT = 500


class RequestLog:
    """A ring buffer of requests, newest first when read."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def add(self, entry: dict[str, Any]) -> None:
        """Notes one request."""
        with self._lock:
            self._entries.appendleft({"at": int(time.time()), **entry})

    def entries(self) -> list[dict[str, Any]]:
        """A copy, newest first."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forgets all of them."""
        with self._lock:
            self._entries.clear()
