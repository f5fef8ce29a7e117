"""All objects in memory, one lock, transactions that are whole or absent.

A `Work` reads committed objects without copying and edits copies; only at the end of the block are
the changed ones journalled and put in place. An exception inside the block leaves nothing behind.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .clock import Clock
from .engine import test_clocks
from .engine.work import Work
from .errors import CardRefused
from .ids import Ids
from .journal import Change, Journal, Obj

# Internal kinds start with "_" and are never served by the API.
META = "_meta"


@dataclass(frozen=True, slots=True)
class Image:
    """The whole store at one moment: its objects, its business time (UTC seconds), how many ids were drawn."""

    objects: dict[str, dict[str, Obj]]
    now: int
    drawn: int

    def size(self) -> int:
        """How many objects."""
        return sum(len(bodies) for bodies in self.objects.values())


class Store:
    """Objects by kind and id, in order of creation. `lock` is held for the length of a transaction."""

    def __init__(self, clock: Clock, ids: Ids, journal: Journal | None = None) -> None:
        self.clock = clock
        self.ids = ids
        self.objects: dict[str, dict[str, Obj]] = {}
        self.lock = threading.RLock()
        self.on_event: Callable[[Work, Obj], None] = lambda _work, _event: None
        self.public_url = ""
        self.after_commit: Callable[[list[Change]], None] = lambda _changes: None
        self._journal = journal
        if journal is not None:
            for changes in journal.replay():
                self._apply(changes)
            self._restore_meta()
            journal.rewrite(self.everything())

    @contextmanager
    def transaction(self, request_id: str | None = None, key: str | None = None) -> Iterator[Work]:
        """One unit of work under the lock: commits at the end of the block, rolls back on an exception.

        `request_id` and `key` (the idempotency key) are what its events name as their cause.
        """
        with self.lock:
            work = Work(self.objects, self.clock, self.ids, self.on_event, self.public_url)
            work.request_id, work.idempotency_key = request_id, key
            yield work
            changes = work.changes()
            self._commit(changes)
            # Under the lock: told in another order, a sent delivery could look pending again.
            if changes:
                self.after_commit(changes)

    def run(self, verb: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """One verb as one transaction. A refused card commits what its try changed, and is raised then.

        Ids among the arguments tell on which clock it runs.
        """
        refusal: CardRefused | None = None
        result = None
        with self.transaction() as work:
            test_clocks.enter(work, {}, [each for each in arguments if isinstance(each, str)], writes=True)
            try:
                result = verb(work, *arguments, **named)
            except CardRefused as error:
                if not error.keeps_changes:
                    raise
                refusal = error
        if refusal is not None:
            raise refusal
        return result

    def move_to(self, public_url: str) -> None:
        """Sets the address that links are made with; links of a former address are rewritten."""
        with self.lock:
            self.public_url = public_url
            former = self.objects.get(META, {}).get("address", {}).get("url")
            changes: list[Change] = [(META, "address", {"id": "address", "url": public_url})]
            if former not in (None, public_url):
                for kind, object_id, body in self.everything():
                    text = json.dumps(body)
                    if f'"{former}/' in text:
                        moved = json.loads(text.replace(f'"{former}/', f'"{public_url}/'))
                        changes.append((kind, object_id, moved))
            self._commit(changes)

    def clear(self, keep: Callable[[str, Obj], bool]) -> None:
        """Empties the store but for what `keep(kind, object)` wants, and moves the clock back to now."""
        with self.lock:
            kept = {
                kind: {key: body for key, body in bodies.items() if keep(kind, body)}
                for kind, bodies in self.objects.items()
            }
            self.objects.clear()
            self.objects.update(kept)
            self.clock.offset = 0
            if self._journal is not None:
                self._journal.rewrite(self.everything())

    def image(self) -> Image:
        """The store as it is; committed objects are never changed in place, so they are shared."""
        with self.lock:
            objects = {kind: dict(bodies) for kind, bodies in self.objects.items()}
            return Image(objects, self.clock.now(), self.ids.drawn)

    def put_back(self, image: Image) -> None:
        """Makes the store what the image is; its business time goes on from there, so the clock may step back."""
        with self.lock:
            self.objects.clear()
            self.objects.update({kind: dict(bodies) for kind, bodies in image.objects.items()})
            self.clock.offset += image.now - self.clock.now()
            self.ids.drawn = image.drawn
            self._apply([(META, "time", self._time())])
            if self._journal is not None:
                self._journal.rewrite(self.everything())

    def close(self) -> None:
        """Ends the journal, when there is one."""
        with self.lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def _commit(self, changes: list[Change]) -> None:
        if not changes:
            return
        changes.append((META, "time", self._time()))
        if self._journal is not None:
            self._journal.append(changes)
        self._apply(changes)

    def _apply(self, changes: list[Change]) -> None:
        for kind, object_id, body in changes:
            bodies = self.objects.setdefault(kind, {})
            if body is None:
                bodies.pop(object_id, None)
            else:
                bodies[object_id] = body

    def _time(self) -> Obj:
        return {"id": "time", "offset": self.clock.offset, "drawn": self.ids.drawn}

    def _restore_meta(self) -> None:
        saved: dict[str, Any] = self.objects.get(META, {}).get("time", {})
        self.clock.offset = saved.get("offset", 0)
        self.ids.drawn = saved.get("drawn", 0)

    def everything(self) -> Iterator[Change]:
        """Every object as if it had just been made; hold the lock while it runs."""
        for kind, bodies in self.objects.items():
            for object_id, body in bodies.items():
                yield kind, object_id, body
