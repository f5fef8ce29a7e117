"""Clocks that are wrong: leases live on the database's, so that a process may think what it likes of the hour."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from apiflask import APIFlask

from portal import clock
from tests.faults import forks
from tests.faults.forks import Act, Outcome, Report
from tests.faults.journeys.purchase import Purchase
from tests.faults.world import World

JUMPS = (timedelta(hours=-2), timedelta(0), timedelta(hours=2))

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.mark.parametrize("seed", range(3))
def test_a_purchase_survives_clocks_that_jump(place: World, seed: int) -> None:
    """Each act in a process whose clock is two hours late, right or two hours early; Stripe's is right."""
    chance = random.Random(seed)
    jumps = []

    def run(app: APIFlask, act: Act, **faults: object) -> Outcome:
        jumps.append(chance.choice(JUMPS))
        return forks.run(app, _shifted(act, jumps[-1]), **faults)  # type: ignore[arg-type]

    purchase = Purchase(place, run=run)
    purchase.live()
    purchase.verify()
    assert set(jumps) == set(JUMPS)


def _shifted(act: Act, jump: timedelta) -> Act:
    def shifted(app: APIFlask, report: Report) -> None:
        clock.now = lambda: datetime.now(UTC) + jump  # the process ends with the act
        act(app, report)

    return shifted
