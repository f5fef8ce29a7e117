"""What is lived through while processes die, fail or stall at named points."""

from collections import Counter
from dataclasses import dataclass, field

from tests.faults.forks import Outcome
from tests.faults.world import World


@dataclass
class Disturbed:
    """``points`` are armed with ``action`` in every process until each has acted once."""

    world: World
    points: tuple[str, ...] = ()
    action: str = "kill"
    passed: set[str] = field(default_factory=set)
    acted: Counter[str] = field(default_factory=Counter)

    @property
    def remaining(self) -> tuple[str, ...]:
        """The points at which nothing has happened yet."""
        return tuple(point for point in self.points if not self.acted[point])

    @property
    def faults(self) -> int:
        """How often something has happened."""
        return self.acted.total()

    def armed(self) -> str:
        """What the next process is armed with."""
        return "; ".join(f"{point}={self.action}" for point in self.remaining)

    def note(self, outcome: Outcome) -> None:
        """Remember which points a process passed, and with that where it was disturbed."""
        self.acted.update(set(outcome.passed) & set(self.remaining))
        self.passed |= set(outcome.passed)
