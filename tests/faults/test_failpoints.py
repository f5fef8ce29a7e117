"""Every named point × killed, failed or stalled, several in one purchase.

Every point × everything, one at a time: ``python -m tests.faults matrix``.
"""

import random

import pytest

from tests.faults import turn
from tests.faults.journey import Journey, verify
from tests.faults.turn import Turn
from tests.faults.world import World

GROUPS = 4
LEAST_POINTS = 40

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(scope="module", name="points")
def fixture_points(place: World) -> list[str]:
    """Every point that an undisturbed journey passes, in a fixed order of chance."""
    journey = Journey(place)
    journey.live()
    verify(journey)
    points = sorted(journey.passed)
    random.Random(2026).shuffle(points)
    return points


def test_there_are_points_around_everything(points: list[str]) -> None:
    assert len(points) >= LEAST_POINTS
    families = {point.partition(".")[0] for point in points}
    assert families == {"commit", "stripe", "smtp", "redis", "rq", "pdf", "webhook", "inbox"}


@pytest.mark.parametrize(
    ("action", "group"),
    [("kill", 0), ("kill", 1), ("raise", 2), ("stall", 3)],
)
def test_a_purchase_survives(place: World, points: list[str], action: str, group: int) -> None:
    journey = Journey(place, tuple(points[group::GROUPS]), action)
    journey.live()
    verify(journey)
    assert journey.acted, "none of the points was reached"


@pytest.fixture(scope="module", name="turning")
def fixture_turning(place: World) -> list[str]:
    """Every point that an undisturbed turn of periodic work passes."""
    undisturbed = Turn(place)
    undisturbed.live()
    turn.verify(undisturbed)
    return sorted(undisturbed.passed)


@pytest.mark.parametrize(("number", "action"), enumerate(["kill", "raise", "stall"]))
def test_a_turn_of_periodic_work_survives(place: World, turning: list[str], number: int, action: str) -> None:
    disturbed = Turn(place, tuple(turning[number::3]), action)
    disturbed.live()
    turn.verify(disturbed)
    assert disturbed.acted
