"""Pairs measured side by side: a subject and its reference, turn by turn in one run.

Machines are shared and change from minute to minute, so nothing is compared with a figure of another run:
each round measures both sides, one after the other, and gives one ratio. What is reported is the median of
the rounds' ratios with the smallest and the largest.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil


@dataclass(frozen=True)
class Sample:
    """What one side did in one round. ``cpu_seconds`` is that of whole process trees, load generator excluded."""

    operations: int
    seconds: float
    cpu_seconds: float
    latencies: Sequence[float] = ()

    @property
    def rate(self) -> float:
        """Operations per second of wall time."""
        return self.operations / self.seconds

    @property
    def cpu_per_operation(self) -> float:
        """CPU seconds per operation."""
        return self.cpu_seconds / self.operations

    def percentile(self, percent: int) -> float:
        """The latency in seconds that ``percent`` of the operations did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


Side = Callable[[], Sample]


@dataclass(frozen=True)
class Figure:
    """A median with its spread."""

    median: float
    smallest: float
    largest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figure":
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])

    def __str__(self) -> str:
        return f"{digits(self.median)} ({digits(self.smallest)}..{digits(self.largest)})"


@dataclass(frozen=True)
class Row:
    """A line of the table; ``reached`` is ``None`` where there is no aim."""

    what: str
    measured: str
    aim: str = ""
    reached: bool | None = None
    sides: str = ""

    def cells(self) -> tuple[str, ...]:
        verdict = {None: "", True: "yes", False: "no"}[self.reached]
        return self.what, self.measured, self.aim, verdict, self.sides


@dataclass
class Rounds:
    """The samples of all sides, round by round."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def ratios(self, of: Callable[[Sample], float], subject: str = "subject", reference: str = "reference") -> Figure:
        """Subject ÷ reference of every round."""
        pairs = zip(self.samples[subject], self.samples[reference], strict=True)
        return Figure.of(of(one) / of(other) for one, other in pairs)

    def sides(self, subject: str = "subject", reference: str = "reference") -> str:
        """Both sides' own medians: operations per second and CPU per operation."""
        return " / ".join(describe(self.samples[name]) for name in (subject, reference))


def describe(samples: Sequence[Sample]) -> str:
    """``1,234/s, 0.81 ms CPU``."""
    rate = statistics.median(sample.rate for sample in samples)
    cpu = statistics.median(sample.cpu_per_operation for sample in samples)
    return f"{digits(rate)}/s, {digits(1000 * cpu)} ms CPU"


def interleave(sides: Mapping[str, Side], rounds: int) -> Rounds:
    """Measure every side once per round; every other round backwards, so that no side always comes first."""
    found = Rounds({name: [] for name in sides})
    for turn in range(rounds):
        names = list(sides) if turn % 2 == 0 else list(reversed(sides))
        for name in names:
            found.samples[name].append(sides[name]())
    return found


def digits(value: float) -> str:
    """Three significant digits, thousands separated."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{1 if value >= 10 else 2 if value >= 1 else 3}f}"


class Meter:
    """CPU seconds of process trees: of what runs, and of what ended meanwhile and was waited for."""

    def __init__(self, *pids: int | None) -> None:
        self._roots = [psutil.Process(pid) for pid in pids if pid is not None]

    def cpu_seconds(self) -> float:
        processes = {process for root in self._roots for process in (root, *root.children(recursive=True))}
        return sum(sum(_times(process)) for process in processes)

    @contextmanager
    def measuring(self) -> Iterator["Measured"]:
        """Fills in seconds and CPU seconds of the block when it ends."""
        found, before, started = Measured(), self.cpu_seconds(), time.perf_counter()
        yield found
        found.seconds = time.perf_counter() - started
        found.cpu_seconds = self.cpu_seconds() - before


@dataclass
class Measured:
    """What a block took."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


def _times(process: psutil.Process) -> tuple[float, ...]:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return (0.0,)
    return times.user, times.system, times.children_user, times.children_system
