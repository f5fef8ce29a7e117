"""Faults that take longer than a test run: ``python -m tests.faults storm|matrix``. Prints what to repeat it with."""

import argparse
import random
import sys
import time
from collections.abc import Iterator

from tests.faults import driver, machine, world
from tests.faults.conftest import warm_up
from tests.faults.disturbed import Disturbed
from tests.faults.journeys import JOURNEYS
from tests.faults.storm import Storm
from tests.faults.storm import verify as verify_storm
from tests.support import database
from tests.support.services import TestServices

_NAMES = [kind.__name__ for kind in JOURNEYS]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    storm = commands.add_parser("storm", help="kills while tenants buy")
    storm.add_argument("--kills", type=int, default=300)
    storm.add_argument("--purchases", type=int, default=500)
    storm.add_argument("--tenants", type=int, default=50)
    storm.add_argument("--seed", type=int, default=random.randrange(2**32))
    matrix = commands.add_parser("matrix", help="every failpoint of every journey alone × kill, raise, stall")
    matrix.add_argument("--action", action="append", choices=driver.ACTIONS)
    matrix.add_argument("--journey", action="append", choices=_NAMES)
    arguments = parser.parse_args()
    if arguments.command == "storm":
        return _storm(arguments)
    return _matrix(arguments.action or list(driver.ACTIONS), arguments.journey or _NAMES)


def _storm(arguments: argparse.Namespace) -> int:
    with machine.running() as running:
        began = time.monotonic()
        storm = Storm(running, arguments.kills, arguments.purchases, arguments.tenants, arguments.seed, say=_say)
        storm.rage()
        seconds = time.monotonic() - began
        counts = verify_storm(storm)
    _say(f"killed in {seconds:.0f} s: {dict(storm.killed)}; drained {storm.drained_seconds:.1f} s after the last")
    _say(f"right: {counts}")
    return 0


def _matrix(actions: list[str], names: list[str]) -> int:
    services = TestServices()
    services.start()
    tries, wrong = 0, []
    try:
        with world.made(database.make_template()) as made:
            warm_up(made)
            recorded = driver.record(made, _say)
        chosen = [found for found in recorded if found.kind.__name__ in names]
        for action in actions:
            with world.made(database.make_template()) as made:
                warm_up(made)
                for found, point in _in_turn(chosen):
                    tries += 1
                    outcome = _one(made, found.kind, point, action)
                    _say(f"{action:5} {found.kind.__name__:14} {point:74} {outcome}")
                    if outcome != "right":
                        wrong.append((action, point))
    finally:
        services.stop()
    points = {point for found in chosen for point in found.points}
    _say(f"{len(points)} points, {tries} tries: {tries - len(wrong)} right, {len(wrong)} wrong")
    return 1 if wrong else 0


def _in_turn(recorded: list[driver.Recorded]) -> Iterator[tuple[driver.Recorded, str]]:
    """The last first: periodic work looks through all that the others leave at Stripe, ever longer."""
    return ((found, point) for found in reversed(recorded) for point in found.points)


def _one(made: world.World, kind: type[Disturbed], point: str, action: str) -> str:
    try:
        driver.disturb(made, kind, (point,), action)
    except Exception as error:
        return f"WRONG: {type(error).__name__}: {error}"
    return "right"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
