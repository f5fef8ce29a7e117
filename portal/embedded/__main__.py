"""`python -m portal.embedded COMMAND`: what `./run` does once there is a Python environment."""

import argparse
import os
import sys

from portal.embedded import doctor, environment, lock, places, reset
from portal.embedded.checks import run_checks
from portal.embedded.console import Console
from portal.embedded.places import Places
from portal.embedded.refusals import Refusal, explain
from portal.embedded.start import Start


def main(arguments: list[str]) -> int:
    """Runs one command and gives its exit code; a fault that a person can mend is one sentence and 1."""
    command, rest = arguments[0], arguments[1:]
    here = places.of_checkout()
    os.chdir(here.root)
    try:
        return _COMMANDS[command](here, rest)
    except Refusal as refusal:
        sys.stderr.write(f"\n{refusal}\n")
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        return 130
    except OSError as error:
        known = explain(error)
        if known is None:
            raise
        sys.stderr.write(f"\n{known}\n")
    return 1


def _start(here: Places, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run")
    parser.add_argument("--port", type=_port, default=None)
    return Start(here, Console(), parser.parse_args(arguments).port).run()


def _reset(here: Places, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./run reset")
    parser.add_argument("--yes", action="store_true")
    return reset.reset(here, Console(), confirmed=parser.parse_args(arguments).yes)


def _doctor(here: Places, arguments: list[str]) -> int:
    argparse.ArgumentParser(prog="./run doctor").parse_args(arguments)
    return doctor.examine(here, Console())


def _flask(here: Places, arguments: list[str]) -> int:
    """Becomes `flask` with the portal's environment; what the user set wins, as for a start."""
    if not here.env.exists():
        raise Refusal("The portal has not been started here yet: start it once with ./run.")
    if not lock.running(here.run):
        sys.stderr.write("The portal is not running: commands that need its servers will fail. Start ./run.\n")
    variables = environment.read(here.env) | environment.given(here.root / ".env")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    os.execve(sys.executable, command, os.environ | variables)  # noqa: S606 - we become flask, without a shell


def _test(here: Places, arguments: list[str]) -> int:
    return run_checks(here, Console(), arguments)


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a number from 1 to 65535, not {text!r}")
    return int(text)


_COMMANDS = {"start": _start, "test": _test, "doctor": _doctor, "reset": _reset, "flask": _flask}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
