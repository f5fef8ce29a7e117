"""Named snapshots of the whole state, in memory: objects, clock, ids, deliveries, waiting faults, the mailbox's mood.

Committed objects are never changed in place, so a snapshot shares them and costs little more than its list of ids.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import NotFound

from .mail import Mailbox
from .mail_mood import Mood
from .store import Image, Store
from .wire.faults import Fault, Faults

_MOST = 50
_NAME = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    name: str
    taken_at: float
    image: Image
    faults: list[Fault]
    mood: Mood

    def summary(self) -> dict[str, Any]:
        """`taken_at` is real time, `now` the business time that it goes back to; both UTC seconds."""
        return {"name": self.name, "taken_at": self.taken_at, "now": self.image.now, "objects": self.image.size()}


class Snapshots:
    """At most 50, forgotten with the process; a reset leaves them.

    `resumed` is called under the store's lock when the state was put back: whoever keeps something of it in mind
    has to look again.
    """

    def __init__(self, store: Store, faults: Faults, mailbox: Mailbox, resumed: Callable[[], None]) -> None:
        self._store = store
        self._resumed = resumed
        self._faults = faults
        self._mailbox = mailbox
        self._kept: dict[str, _Snapshot] = {}

    def take(self, name: str) -> dict[str, Any]:
        """Keeps the state as it is now; ValueError for a name that does not fit a path, or when there are too many."""
        if not _NAME.fullmatch(name):
            raise ValueError("name: up to 100 letters, digits, dots, dashes and underscores")
        with self._store.lock:
            if name not in self._kept and len(self._kept) >= _MOST:
                raise ValueError(f"there are {_MOST} snapshots; delete one first")
            taken = _Snapshot(name, time.time(), self._store.image(), self._faults.image(), self._mailbox.mood)
            self._kept[name] = taken
        return taken.summary()

    def restore(self, name: str) -> dict[str, Any]:
        """Puts the state back; business time goes on from where it was then. NotFound for an unknown name.

        What a delivery or a request that was under way meanwhile would have written is lost, as it should be.
        """
        with self._store.lock:
            found = self._find(name)
            self._store.put_back(found.image)
            self._resumed()
            self._faults.put_back(found.faults)
        self._mailbox.feel(found.mood)
        return found.summary()

    def delete(self, name: str) -> None:
        """Forgets one; NotFound for an unknown name."""
        with self._store.lock:
            del self._kept[self._find(name).name]

    def listing(self) -> list[dict[str, Any]]:
        """What is kept, oldest first."""
        with self._store.lock:
            return [kept.summary() for kept in self._kept.values()]

    def _find(self, name: str) -> _Snapshot:
        found = self._kept.get(name)
        if found is None:
            raise NotFound(f"there is no snapshot {name!r}")
        return found
