"""Which function does which kind of work, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from portal.outbox.work import Work

Handler = Callable[[Work], None]
Task = Callable[[], None]

_handlers: dict[str, Handler] = {}
_batched: set[str] = set()
_tasks: dict[str, "PeriodicDefinition"] = {}


@dataclass(frozen=True)
class PeriodicDefinition:
    """A task that comes back every ``every_seconds``."""

    name: str
    every_seconds: int
    task: Task


def handler(kind: str, *, batched: bool = False) -> Callable[[Handler], Handler]:
    """Register the decorated function for ``kind``. Raises :class:`ValueError` for a kind that has one.

    ``batched``: it takes milliseconds and does nothing but write rows in the transaction that it finds open, which
    it neither commits nor finishes; hundreds then share one (:mod:`portal.outbox.batches`).
    """

    def register(function: Handler) -> Handler:
        if kind in _handlers:
            raise ValueError(f"two handlers for {kind!r}")
        _handlers[kind] = function
        if batched:
            _batched.add(kind)
        return function

    return register


def is_batched(kind: str) -> bool:
    """Whether works of this kind may share a transaction."""
    return kind in _batched


def periodic(name: str, *, every_seconds: int) -> Callable[[Task], Task]:
    """Register the decorated function as work that comes back; it runs on a worker, at least once a turn."""

    def register(function: Task) -> Task:
        _tasks[name] = PeriodicDefinition(name, every_seconds, function)
        handler(f"periodic.{name}")(lambda _work: function())
        return function

    return register


def handler_of(kind: str) -> Handler:
    """Raises :class:`LookupError` for a kind that no module of ``jobs`` has registered."""
    try:
        return _handlers[kind]
    except KeyError:
        raise LookupError(f"no handler for {kind!r}") from None


def periodic_definitions() -> list[PeriodicDefinition]:
    return list(_tasks.values())
