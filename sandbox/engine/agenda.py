"""The agenda: everything that happens later, as entries `(at, what, object id, test clock or None)`.

One entry per (what, object): putting it again moves it. Entries of the global clock have no test clock. What
is due is done in order of time, and of putting where times are equal, by the handler that is registered for
`what` (agenda_handlers.py). Nothing else looks for due work, so that one long step of a clock and many short
ones make the same history.
"""

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from .work import Obj, Work

KIND = "_agenda"
SEQUENCE = ("_meta", "agenda")
_ASIDE = "_agenda_failed"

Handler: TypeAlias = Callable[[Work, str], None]
_HANDLERS: dict[str, Handler] = {}


def register(what: str, handler: Handler) -> None:
    """`handler(work, object_id)` does every entry called `what`, with `work.now` at the entry's time."""
    _HANDLERS[what] = handler


def put(work: Work, what: str, object_id: str, at: int) -> None:
    """Notes that `what` happens to the object at that time (UTC seconds), on the clock of the running work.

    A former entry of the same name and object is replaced. What lies in the past happens next.
    """
    count = work.find(*SEQUENCE) or {"id": SEQUENCE[1], "put": 0}
    count = work.add(SEQUENCE[0], {**count, "put": count["put"] + 1})
    entry: Obj = {
        "id": _key(what, object_id),
        "at": max(at, work.now),
        "sequence": count["put"],
        "what": what,
        "object": object_id,
        "clock": work.clock,
    }
    work.add(KIND, entry)
    if work.due is not None:
        heappush(work.due, _place(entry))


def drop(work: Work, what: str, object_id: str) -> None:
    """Takes the entry off the agenda, when there is one."""
    if work.find(KIND, _key(what, object_id)) is not None:
        work.remove(KIND, _key(what, object_id))


def at(work: Work, what: str, object_id: str) -> int | None:
    """When the entry is due (UTC seconds), or None."""
    entry = work.find(KIND, _key(what, object_id))
    return None if entry is None else int(entry["at"])


def entries(work: Work, clock_id: str | None) -> Iterator[Obj]:
    """The entries of a clock, in no order."""
    return (entry for entry in work.all(KIND) if entry["clock"] == clock_id)


def next_due(work: Work, clock_id: str | None, until: int) -> Obj | None:
    """The entry that `run` would do first, or None."""
    due = (entry for entry in entries(work, clock_id) if entry["at"] <= until)
    return min(due, key=_place, default=None)


def run(work: Work, clock_id: str | None, until: int, most: int | None = None) -> None:
    """Does what is due on a clock up to and with `until` (UTC seconds), at most so many entries.

    Each handler finds `work.now` at the time of its entry, also when that is long ago; in the end it is `until`.
    """
    work.clock = clock_id
    due = work.due = [_place(entry) for entry in entries(work, clock_id) if entry["at"] <= until]
    heapify(due)
    while due and most != 0:
        time, sequence, key = heappop(due)
        entry = work.find(KIND, key)
        # Dropped or moved meanwhile, or put by a handler for a time that has not come.
        if entry is None or entry["sequence"] != sequence or time > until:
            continue
        work.remove(KIND, key)
        work.now = time
        _HANDLERS[entry["what"]](work, entry["object"])
        most = None if most is None else most - 1
    work.due = None
    work.now = until


def move(work: Work, object_ids: set[str], clock_id: str) -> None:
    """Puts the entries of these objects on another clock, when their customer joins it."""
    for entry in list(work.all(KIND)):
        if entry["object"] in object_ids:
            work.edit(KIND, entry["id"])["clock"] = clock_id


def set_aside(work: Work, key: str) -> None:
    """Takes an entry that failed out of the way of the others, and keeps it to be looked at."""
    work.add(_ASIDE, {**work.read(KIND, key), "id": key})
    work.remove(KIND, key)


def _key(what: str, object_id: str) -> str:
    return f"{what}:{object_id}"


def _place(entry: Obj) -> tuple[int, int, str]:
    return entry["at"], entry["sequence"], entry["id"]
