"""One transaction of the engine: what a verb may read, change and announce.

`read` and `all` hand out committed objects that must not be changed; `edit` hands out the working
copy. Nothing is visible to others before the store commits the work.

What an object keeps for the engine alone is in its compartment `_`, which no answer and no event shows.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from ..clock import Clock
from ..contract import API_VERSION
from ..errors import ResourceMissing
from ..ids import Ids

Obj: TypeAlias = dict[str, Any]
# When an event of a test clock came about by the global clock.
HEARD = "_heard"


class Work:
    """Objects, clock, ids and events for the length of one transaction. Times are UTC seconds.

    `now` is the time of the verb: of the test clock `clock` when the customer concerned has one, else
    `global_now`, the time of the global clock. `due` is the agenda's, while it runs.
    `dry`: the verb only shows what would be; whoever answers the request undoes its work then.
    """

    def __init__(
        self,
        objects: dict[str, dict[str, Obj]],
        clock: Clock,
        ids: Ids,
        on_event: Callable[["Work", Obj], None],
        public_url: str,
    ) -> None:
        self._objects = objects
        self._edited: dict[str, dict[str, Obj | None]] = {}
        self._ids = ids
        self._on_event = on_event
        self.now = self.global_now = clock.now()
        self.clock: str | None = None
        self.due: list[tuple[int, int, str]] | None = None
        self.dry = False
        self.public_url = public_url
        self.request_id: str | None = None
        self.idempotency_key: str | None = None

    def new_id(self, prefix: str) -> str:
        """A new id, see ids.py."""
        return self._ids.new(prefix)

    def find(self, kind: str, object_id: str) -> Obj | None:
        """The object for reading, or None. Do not change what it returns."""
        edited = self._edited.get(kind, {})
        if object_id in edited:
            return edited[object_id]
        return self._objects.get(kind, {}).get(object_id)

    def read(self, kind: str, object_id: str, *, param: str | None = None) -> Obj:
        """The object for reading; ResourceMissing (naming `param`, when a parameter held the id)."""
        found = self.find(kind, object_id)
        if found is None:
            raise ResourceMissing(spoken(kind), object_id, param=param)
        return found

    def edit(self, kind: str, object_id: str, *, param: str | None = None) -> Obj:
        """The working copy of the object; ResourceMissing also when it is deleted."""
        found = self.read(kind, object_id, param=param)
        if found.get("deleted"):
            raise ResourceMissing(spoken(kind), object_id, param=param)
        edited = self._edited.setdefault(kind, {})
        if object_id not in edited:
            found = edited[object_id] = copied(found)
        return found

    def add(self, kind: str, body: Obj) -> Obj:
        """Takes a new object in, or replaces the one of the same id; returns it as working copy."""
        self._edited.setdefault(kind, {})[body["id"]] = body
        return body

    def remove(self, kind: str, object_id: str) -> None:
        """Takes the object out of the store."""
        self._edited.setdefault(kind, {})[object_id] = None

    def all(self, kind: str) -> Iterator[Obj]:
        """Every object of the kind that is not deleted, newest first, for reading."""
        committed = self._objects.get(kind, {})
        edited = self._edited.setdefault(kind, {})
        fresh = [body for object_id, body in edited.items() if object_id not in committed and body is not None]
        yield from (body for body in reversed(fresh) if not body.get("deleted"))
        for object_id in reversed(committed):
            body = edited.get(object_id, committed[object_id])
            if body is not None and not body.get("deleted"):
                yield body

    def emit(self, event_type: str, body: Obj, previous: Obj | None = None) -> Obj:
        """Announces a fact: an event with the object as it is now, and its deliveries.

        `previous` holds the former values of what changed (data.previous_attributes).
        """
        data: Obj = {"object": shown(body)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": event_type,
        }
        self.add("event", event)
        if self.clock is not None:
            # Events are kept by real time, which one that a test clock dates does not tell.
            self.add(HEARD, {"id": event["id"], "at": self.global_now})
        self._on_event(self, event)
        return event

    def emit_updated(self, event_type: str, before: Obj, after: Obj) -> Obj | None:
        """Announces `event_type` with the former values; says nothing when nothing changed."""
        previous = difference(before, after)
        return self.emit(event_type, after, previous) if previous else None

    def undo(self) -> None:
        """Forgets everything this work changed so far, its events included."""
        self._edited.clear()

    def changes(self) -> list[tuple[str, str, Obj | None]]:
        """What the store has to commit: kind, id and the new version (None: removed)."""
        return [
            (kind, object_id, body)
            for kind, bodies in self._edited.items()
            for object_id, body in bodies.items()
            if body is not self._objects.get(kind, {}).get(object_id)
        ]


def copied(value: Any) -> Any:
    """A deep copy of JSON data (several times faster than copy.deepcopy)."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def shown(value: Any) -> Any:
    """A deep copy of JSON data without the compartments `_`. Metadata and payloads have keys of users."""
    if isinstance(value, dict):
        return {
            key: copied(item) if key in ("metadata", "payload") else shown(item)
            for key, item in value.items()
            if key != "_"
        }
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value


def difference(before: Obj, after: Obj) -> Obj:
    """The former values of the keys that changed, nested objects by their changed keys only."""
    changed: Obj = {}
    for key in (before.keys() | after.keys()) - {"_"}:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            if inside := difference(old, new):
                changed[key] = inside
        else:
            changed[key] = shown(old)
    return changed


def spoken(kind: str) -> str:
    """How Stripe names the kind in "No such ...": mostly by its `object` value."""
    return {"payment_method": "PaymentMethod", "webhook_endpoint": "webhook endpoint"}.get(kind, kind)
