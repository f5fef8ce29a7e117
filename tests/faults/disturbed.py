"""What is lived through while processes die, fail or stall at named points."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from apiflask import APIFlask

from tests.faults import forks
from tests.faults.acts import working
from tests.faults.forks import Act, Outcome
from tests.faults.world import World


@dataclass
class Disturbed:
    """``points`` are armed with ``action`` in every process until each has acted once.

    A point is a failpoint's name, or ``<name>@2`` for its second passing in one process.
    """

    world: World
    points: tuple[str, ...] = ()
    action: str = "kill"
    run: Callable[..., Outcome] = forks.run
    # The most often that one process passed a failpoint.
    passed: Counter[str] = field(default_factory=Counter)
    acted: Counter[str] = field(default_factory=Counter)
    work: Act = working
    _is_calm: bool = False

    # Whether all its points are tried: a second time where another journey passes them too.
    is_thorough = False

    def __post_init__(self) -> None:
        self.world.forget()

    def live(self) -> None:
        """All of it, trying again as people, Stripe and supervisors do."""
        raise NotImplementedError

    def verify(self) -> None:
        """AssertionError unless everything that was begun has been done, and once."""
        raise NotImplementedError

    @property
    def remaining(self) -> tuple[str, ...]:
        """The points at which nothing has happened yet."""
        return tuple(point for point in self.points if not self.acted[point])

    @property
    def faults(self) -> int:
        """How often something has happened."""
        return self.acted.total()

    @contextmanager
    def calm(self) -> Iterator[None]:
        """What leads up to the part that is tried: nothing is disturbed and nothing counted."""
        self._is_calm = True
        try:
            yield
        finally:
            self._is_calm = False

    def act(self, app: APIFlask, act: Act) -> Outcome:
        """One act in a process that may not live through it."""
        armed = "" if self._is_calm else "; ".join(self._arming(point) for point in self.remaining)
        outcome = self.run(app, act, armed=armed, while_stalled=lambda: self.others_go_on(app, act))
        if not self._is_calm:
            self._note(outcome)
        assert outcome.code in (0, -9), "the act itself failed, see above"
        return outcome

    def others_go_on(self, app: APIFlask, act: Act) -> None:
        """While one process stands still its leases end: the same act once more, and another worker."""
        self.world.let_time_pass()
        for where, what in ((app, act), (self.world.worker, self.work)):
            forks.run(where, what)

    def worker_works(self) -> Any:
        """A worker does what is due."""
        return self.act(self.world.worker, self.work)

    def _arming(self, point: str) -> str:
        name, nth = place(point)
        return f"{name}={self.action}@{nth}"

    def _note(self, outcome: Outcome) -> None:
        counts = Counter(outcome.passed)
        for point in self.remaining:
            name, nth = place(point)
            self.acted[point] += counts[name] >= nth
        self.passed |= counts


def place(point: str) -> tuple[str, int]:
    """A point's name, and which passing of it is meant."""
    name, _, nth = point.partition("@")
    return name, int(nth or 1)
