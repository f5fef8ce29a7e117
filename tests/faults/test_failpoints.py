"""Every named point × killed, failed, stalled, in groups; one at a time: ``python -m tests.faults matrix``."""

import random
from collections.abc import Iterator

import pytest

from tests.faults import turn, world
from tests.faults.journey import Journey, verify, warm_up
from tests.faults.turn import Turn
from tests.faults.world import World

GROUPS = 4  # several points in one journey, so that the whole fits into every test run
LEAST_POINTS = 40

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(scope="module", name="faulty")
def fixture_faulty(template: str) -> Iterator[World]:
    with world.made(template) as made:
        warm_up(made)
        yield made


@pytest.fixture(scope="module", name="points")
def fixture_points(faulty: World) -> list[str]:
    """Every point that an undisturbed journey passes, in a fixed order of chance."""
    journey = Journey(faulty)
    journey.live()
    verify(journey)
    points = sorted(journey.passed)
    random.Random(2026).shuffle(points)
    return points


def test_there_are_points_around_everything(points: list[str]) -> None:
    assert len(points) >= LEAST_POINTS
    families = {point.partition(".")[0] for point in points}
    assert families == {"commit", "stripe", "smtp", "redis", "rq", "pdf", "webhook", "inbox"}


@pytest.mark.parametrize("action", ["kill", "raise", "stall"])
@pytest.mark.parametrize("group", range(GROUPS))
def test_a_purchase_survives(faulty: World, points: list[str], action: str, group: int) -> None:
    journey = Journey(faulty, tuple(points[group::GROUPS]), action)
    journey.live()
    verify(journey)
    assert journey.acted, "none of the points was reached"


@pytest.mark.parametrize("action", ["kill", "raise", "stall"])
def test_a_turn_of_periodic_work_survives(faulty: World, action: str) -> None:
    undisturbed = Turn(faulty)
    undisturbed.live()
    turn.verify(undisturbed)
    disturbed = Turn(faulty, tuple(sorted(undisturbed.passed)), action)
    disturbed.live()
    turn.verify(disturbed)
    assert disturbed.acted
