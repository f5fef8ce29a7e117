"""``python -m bench [names] [--write]``: every bench, or those named, and one table."""

import argparse
import importlib
import sys

from bench import report
from bench.harness import Row
from bench.places import place

BENCHES = ("webhook", "invoices", "relay", "documents", "growth", "redis_away", "main_job", "sandbox_calls", "usage")
ROUNDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the portal beside its references.")
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], metavar="name", help=", ".join(BENCHES))
    parser.add_argument("--write", action="store_true", help="put the table into docs/evidence.md")
    parser.add_argument("--quick", action="store_true", help="two short rounds: a look while working, no evidence")
    arguments = parser.parse_args()
    if arguments.write and (arguments.names or arguments.quick):
        parser.error("--write needs all benches at full length: one table, one run")
    machine, rows = report.machine(), list[Row]()
    with place(rounds=2 if arguments.quick else ROUNDS, share=0.25 if arguments.quick else 1.0) as at:
        for name in arguments.names or BENCHES:
            sys.stderr.write(f"{name} …\n")
            rows += importlib.import_module(f"bench.{name}").run(at)
        machine["PostgreSQL"] = report.postgres_version()
    text = report.table(rows, machine)
    sys.stdout.write(text)
    if arguments.write:
        report.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
