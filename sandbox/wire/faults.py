"""Faults on demand: the next calls that match fail in the way a test asked for.

They reach the API (wire/api.py) and the neighbours on the same port: Slack, NetBox, Odoo, the receivers.
"""

import re
import threading
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

MODES = (
    "429", "500", "500_stored", "timeout", "connection_reset", "drop_after_effect", "delay", "delay_after_effect",
    "webhook_first",
)  # fmt: skip
# How long a mode waits unless told; a webhook that does not come within ten seconds is not coming.
_SECONDS = {"webhook_first": 10.0}
_LONG = 100.0


@dataclass
class Fault:
    """`match`: "METHOD /path" with `*`; `mode`: one of MODES, or any HTTP status of an error; `times` left;
    `seconds` for timeout and delays.
    """

    match: str
    mode: str
    times: int = 1
    seconds: float = _LONG


class Dropped(Exception):
    """The connection shall end without an answer, after `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("connection dropped on demand")
        self.seconds = seconds


class Faults:
    """The faults that wait for a call, first in first out."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, given: dict[str, Any]) -> Fault:
        """Takes a fault from a control request; ValueError says what is wrong with it."""
        unknown = set(given) - {"match", "mode", "times", "seconds"}
        if unknown or "match" not in given or not _is_mode(str(given.get("mode"))):
            raise ValueError(f"give match, mode ({', '.join(MODES)}, or 4xx, 5xx), and if wanted times, seconds")
        fault = Fault(
            match=str(given["match"]),
            mode=str(given["mode"]),
            times=int(given.get("times", 1)),
            seconds=float(given.get("seconds", _SECONDS.get(str(given["mode"]), _LONG))),
        )
        with self._lock:
            self._waiting.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this call, used up by one; None lets the call pass."""
        with self._lock:
            for fault in self._waiting:
                if fnmatchcase(f"{method} {path}", fault.match):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        """Forgets all of them."""
        with self._lock:
            self._waiting.clear()

    def image(self) -> list[Fault]:
        """A copy of what waits, for a snapshot."""
        with self._lock:
            return [replace(fault) for fault in self._waiting]

    def put_back(self, faults: list[Fault]) -> None:
        """Makes what waits what it was in that copy."""
        with self._lock:
            self._waiting = [replace(fault) for fault in faults]

    def waiting(self) -> list[dict[str, Any]]:
        """What still waits."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]


def _is_mode(mode: str) -> bool:
    return mode in MODES or re.fullmatch(r"[45]\d\d", mode) is not None
