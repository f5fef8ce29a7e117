"""Faults that take longer than a test run: ``python -m tests.faults storm|matrix``. Prints what to repeat it with."""

import argparse
import random
import sys
import time

from tests.faults import machine, world
from tests.faults.journey import Journey, verify, warm_up
from tests.faults.storm import Storm
from tests.faults.storm import verify as verify_storm
from tests.support import database
from tests.support.services import TestServices


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    storm = commands.add_parser("storm", help="kills while tenants buy")
    storm.add_argument("--kills", type=int, default=300)
    storm.add_argument("--purchases", type=int, default=500)
    storm.add_argument("--tenants", type=int, default=50)
    storm.add_argument("--seed", type=int, default=random.randrange(2**32))
    matrix = commands.add_parser("matrix", help="every failpoint alone × kill, raise, stall")
    matrix.add_argument("--action", action="append", choices=["kill", "raise", "stall"])
    arguments = parser.parse_args()
    if arguments.command == "storm":
        return _storm(arguments)
    return _matrix(arguments.action or ["kill", "raise", "stall"])


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


def _matrix(actions: list[str]) -> int:
    services = TestServices()
    services.start()
    wrong = []
    try:
        with world.made(database.make_template()) as made:
            warm_up(made)
            undisturbed = Journey(made)
            undisturbed.live()
            points = sorted(undisturbed.passed)
            for action in actions:
                for point in points:
                    outcome = _one(Journey(made, (point,), action))
                    _say(f"{action:5} {point:60} {outcome}")
                    if outcome != "right":
                        wrong.append((action, point))
    finally:
        services.stop()
    _say(f"{len(points)} points × {len(actions)}: {len(points) * len(actions) - len(wrong)} right, {len(wrong)} wrong")
    return 1 if wrong else 0


def _one(journey: Journey) -> str:
    try:
        journey.live()
        verify(journey)
    except AssertionError as error:
        return f"WRONG: {error}"
    return "right" if journey.acted else "not reached"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
