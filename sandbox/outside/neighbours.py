"""Which neighbour answers which path, and in which mood."""

import time
from typing import Protocol

from werkzeug.wrappers import Request, Response

from ..store import Store
from ..wire.faults import Dropped, Fault, Faults
from . import moods
from .hooks import Hooks
from .moods import Mood
from .netbox import NetBox
from .odoo import Odoo
from .slack import Slack

# What a fault of the control API's queue means for a neighbour.
_MOOD_OF = {
    "500_stored": "500",
    "connection_reset": "drop",
    "timeout": "drop",
    "drop_after_effect": "lost_answer",
    "delay": "slow",
    "webhook_first": "normal",
}


class Neighbour(Protocol):
    """One service of the outside world."""

    def owns(self, method: str, path: str) -> bool:
        """Whether it answers this request."""

    def mood_key(self, path: str) -> str:
        """Whose mood counts for this path."""

    def answer(self, request: Request, mode: str) -> Response:
        """The answer: `mode` is normal, an HTTP status, or a mode of its own."""


class Neighbours:
    """All of them over one store."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._all: list[Neighbour] = [Slack(store), NetBox(store), Odoo(store), Hooks(store)]

    def find(self, method: str, path: str) -> Neighbour | None:
        """The one that answers this request, or None when it is for somebody else."""
        return next((neighbour for neighbour in self._all if neighbour.owns(method, path)), None)

    def answer(self, neighbour: Neighbour, request: Request) -> Response:
        """The answer; Dropped when the connection shall end without one."""
        fault = self._faults.take(request.method, request.path)
        mood = self._mood(neighbour.mood_key(request.path)) if fault is None else _of_fault(fault)
        if mood.mode == "drop":
            raise Dropped(mood.seconds)
        if mood.mode == "slow":
            time.sleep(mood.seconds)
        asked = "normal" if mood.mode in ("slow", "lost_answer", "delay_after_effect") else mood.mode
        response = neighbour.answer(request, asked)
        if mood.mode == "lost_answer":
            raise Dropped
        if mood.mode == "delay_after_effect":
            time.sleep(mood.seconds)
        return response

    def _mood(self, key: str) -> Mood:
        with self._store.transaction() as work:
            mood = moods.take(work, key)
        # A dropped connection ends at once; `seconds` is for slow ones.
        return Mood(mood.mode) if mood.mode == "drop" else mood


def _of_fault(fault: Fault) -> Mood:
    seconds = 0.0 if fault.mode == "connection_reset" else fault.seconds
    return Mood(_MOOD_OF.get(fault.mode, fault.mode), seconds)
