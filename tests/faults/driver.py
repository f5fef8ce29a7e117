"""Every journey is treated alike: one undisturbed run lists its points, and then something happens at each of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.faults import sites
from tests.faults.disturbed import Disturbed
from tests.faults.journeys import JOURNEYS
from tests.faults.world import World

ACTIONS = ("kill", "raise", "stall")
Kind = type[Disturbed]


@dataclass(frozen=True)
class Recorded:
    """A journey and the points that are tried in it."""

    kind: Kind
    passed: frozenset[str]
    points: tuple[str, ...]


def record(world: World, say: Callable[[str], None] = lambda _: None) -> list[Recorded]:
    """Each journey undisturbed: what it passes, and of that what no earlier one does (all, if it is thorough)."""
    many, known, found = sites.passings(), set[str](), []
    for kind in JOURNEYS:
        journey = kind(world)
        journey.live()
        journey.verify()
        points = tuple(sorted(point for name, times in journey.passed.items() for point in _points(name, times, many)))
        mine = points if kind.is_thorough else tuple(point for point in points if point not in known)
        known.update(points)
        found.append(Recorded(kind, frozenset(journey.passed), mine))
        say(f"{kind.__name__}: {len(journey.passed)} points passed, {len(mine)} to be tried")
    return found


def disturb(world: World, kind: Kind, points: tuple[str, ...], action: str) -> int:
    """Live journeys until something has happened at each of the points; returns how many it took.

    Where one process stands still others do the work that lies behind, so that one journey may not reach all.
    """
    remaining, lived = points, 0
    while remaining:
        journey = kind(world, remaining, action)
        journey.live()
        journey.verify()
        assert journey.acted.total(), f"never reached: {remaining}"
        remaining = journey.remaining
        lived += 1
    return lived


def _points(name: str, times: int, many: dict[str, int]) -> Iterator[str]:
    """A point for each passing that may be another place of the same function."""
    for nth in range(1, min(times, many.get(name.rpartition(":")[0], 1)) + 1):
        yield name if nth == 1 else f"{name}@{nth}"
