"""Doing one act in a forked process that may die, stall or fail in the middle, as a real one does."""

import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apiflask import APIFlask

from portal import failpoints
from portal.gateway.client import init_gateway

PATIENCE_SECONDS = 120  # an act that hangs is ended by an alarm, and fails the test

Report = Callable[..., None]
Act = Callable[[APIFlask, Report], None]


@dataclass(frozen=True)
class Outcome:
    """What a child reported until its end, which points it passed, and how it ended (0, or minus the signal)."""

    facts: dict[str, Any]
    passed: tuple[str, ...]
    code: int


def run(app: APIFlask, act: Act, *, armed: str = "", while_stalled: Callable[[], None] | None = None) -> Outcome:
    """Fork, arm the failpoints, do ``act`` in the app's context, and wait for the end.

    ``app`` must hold no open connections. When the child stalls, ``while_stalled`` runs and the child goes on.
    """
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "points"
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _child(app, act, f"record:{record}; {armed}", writer)
        os.close(writer)
        code = _await(pid, while_stalled)
        with os.fdopen(reader) as said:
            facts: dict[str, Any] = {}
            for line in said:
                for name, value in json.loads(line).items():
                    facts.setdefault(name, []).append(value)
        passed = tuple(record.read_text().splitlines()) if record.exists() else ()
    return Outcome(facts, passed, code)


def here(app: APIFlask, act: Act, **_faults: Any) -> Outcome:
    """The same without a fork and without faults: warms up what every fork inherits."""
    facts: dict[str, Any] = {}

    def report(**said: Any) -> None:
        for name, value in said.items():
            facts.setdefault(name, []).append(value)

    with app.app_context():
        act(app, report)
    return Outcome(facts, (), 0)


def _await(pid: int, while_stalled: Callable[[], None] | None) -> int:
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        try:
            if while_stalled:
                while_stalled()
        finally:
            os.kill(pid, signal.SIGCONT)


def _child(app: APIFlask, act: Act, armed: str, writer: int) -> None:
    code = 1
    try:
        signal.alarm(PATIENCE_SECONDS)

        def report(**facts: Any) -> None:
            os.write(writer, f"{json.dumps(facts)}\n".encode())

        failpoints.arm(armed)
        init_gateway(app)  # the parent's connection to Stripe is the parent's
        with app.app_context():
            act(app, report)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # nothing of pytest's own endings
