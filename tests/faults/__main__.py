"""Faults that take longer than a test run: ``python -m tests.faults storm|matrix``. Prints what to repeat it with."""

import argparse
import random
import sys
import time

import requests

from tests.faults import machine, turn, world
from tests.faults.journey import Journey, verify, warm_up
from tests.faults.storm import Storm
from tests.faults.storm import verify as verify_storm
from tests.faults.turn import Turn
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
            undisturbed_turn = Turn(made)
            undisturbed_turn.live()
            turning = sorted(undisturbed_turn.passed - undisturbed.passed)
            tries = [(point, Journey) for point in points] + [(point, Turn) for point in turning]
            for action in actions:
                for point, kind in tries:
                    outcome = _one(kind(made, (point,), action))
                    _say(f"{action:5} {point:70} {outcome}")
                    if outcome != "right":
                        wrong.append((action, point))
    finally:
        services.stop()
    total = len(tries) * len(actions)
    _say(f"{len(tries)} points × {len(actions)}: {total - len(wrong)} right, {len(wrong)} wrong")
    return 1 if wrong else 0


def _one(disturbed: Journey | Turn) -> str:
    try:
        disturbed.live()
        if isinstance(disturbed, Journey):
            verify(disturbed)
        else:
            turn.verify(disturbed)
    except (AssertionError, requests.RequestException) as error:
        return f"WRONG: {error}"
    return "right" if disturbed.acted else "not reached"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
