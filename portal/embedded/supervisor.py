"""Keeps the portal's processes running, and ends them in order."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from portal.embedded import processes
from portal.embedded.console import Console
from portal.embedded.refusals import Refusal, last_lines

_LOOP_DEATHS = 5
_LOOP_SECONDS = 60.0
_BACKOFF_SECONDS = 0.5


class Part(Protocol):
    """Something that runs: a server of ours, or a process of the portal."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> Path: ...

    process: subprocess.Popen[bytes] | None

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Child:
    """A process of the portal (web, worker, ticker, sandbox); `start` does not wait until it is ready."""

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str], log: Path, folder: Path) -> None:
        self.name = name
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._arguments = arguments
        self._environment = environment
        self._folder = folder
        self._asked = False

    def start(self) -> None:
        """Starts it in a session of its own, so that Ctrl-C reaches us alone and we can end it in order."""
        self._asked = False
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=os.environ | self._environment,
                start_new_session=True,
                preexec_fn=processes.end_with_parent(signal.SIGTERM),
            )

    def ask_to_end(self) -> None:
        """Sends SIGTERM and does not wait. Once only: to some, a second one means to drop their work."""
        if self.process is not None and self.process.poll() is None and not self._asked:
            self._asked = True
            self.process.terminate()

    def stop(self, grace_seconds: float = 15) -> None:
        """Ends it and what it started: SIGTERM, after the grace SIGKILL."""
        self.ask_to_end()
        process, self.process = self.process, None
        if process is not None:
            processes.kill_group_after(process.pid, grace_seconds)
            process.wait()


@dataclass
class _Watched:
    part: Part
    deaths: deque[float] = field(default_factory=deque)
    restart_at: float | None = None


class Supervisor:
    """The running parts, in the order in which they were started."""

    def __init__(self, notes: Path, console: Console) -> None:
        self._notes = notes
        self._console = console
        self._watched: list[_Watched] = []

    @property
    def has_parts(self) -> bool:
        return bool(self._watched)

    def start(self, part: Part) -> None:
        """Starts a part and watches it from now on."""
        self._watched.append(_Watched(part))
        self._start(part)

    def tend(self) -> None:
        """Looks after every part once: notes a death, starts again what is due.

        Raises Refusal with the last log lines when a part dies over and over.
        """
        now = time.monotonic()
        for watched in self._watched:
            if watched.restart_at is not None:
                if now >= watched.restart_at:
                    watched.restart_at = None
                    self._start(watched.part)
            elif watched.part.process is not None and watched.part.process.poll() is not None:
                self._note_death(watched, watched.part.process.returncode, now)

    def stop(self, together: tuple[str, ...] = ()) -> None:
        """Ends every part, the last started first; those named `together` are all asked before the first wait."""
        for watched in self._watched:
            if isinstance(watched.part, Child) and watched.part.name in together:
                watched.part.ask_to_end()
        while self._watched:
            part = self._watched.pop().part
            part.stop()
            processes.forget(self._notes, part.name)

    def _start(self, part: Part) -> None:
        part.start()
        if part.process is not None:
            processes.record(self._notes, part.name, part.process.pid)

    def _note_death(self, watched: _Watched, code: int, now: float) -> None:
        part = watched.part
        watched.deaths.append(now)
        while now - watched.deaths[0] > _LOOP_SECONDS:
            watched.deaths.popleft()
        ending = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        if len(watched.deaths) >= _LOOP_DEATHS:
            raise Refusal(
                f"{part.name} {ending}, {_LOOP_DEATHS} times within a minute; {part.log} ends with:\n"
                f"{last_lines(part.log, 10)}"
            )
        wait = _BACKOFF_SECONDS * 2 ** (len(watched.deaths) - 1)
        watched.restart_at = now + wait
        self._console.fail(f"{time.strftime('%H:%M:%S')} {part.name} {ending}; starting it again")


def end_leftovers(notes: Path) -> list[str]:
    """Ends what a killed run left behind: only the very processes it noted. Gives their names."""
    ended = []
    # Whatever was started last knows the most others, so it goes first, as in an orderly end.
    for name in ("web", "worker", "ticker", "sandbox", "valkey", "postgres"):
        pid = processes.recorded(notes, name)
        if pid is not None:
            processes.end_group(pid, signal.SIGINT if name == "postgres" else signal.SIGTERM)
            ended.append(name)
        processes.forget(notes, name)
    return ended
