"""What a person sees of a start: one line per step, with the seconds it took."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator


class Step:
    """A step under way. `note` is shown behind its name when it is done."""

    def __init__(self) -> None:
        self.note = ""
        self.skipped = False


class Console:
    """Writes to standard output; coloured and live on a terminal, plain lines everywhere else."""

    def __init__(self) -> None:
        terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._live = terminal
        self._colour = terminal and not os.environ.get("NO_COLOR")
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        self._marks = {"done": "✓", "skip": "–", "fail": "✗"} if utf8 else {"done": "+", "skip": "-", "fail": "x"}

    def line(self, text: str = "") -> None:
        """One line. A reader that has gone away (`./run | head`) is no reason to stop."""
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def heading(self, text: str) -> None:
        self.line(self._painted(text, "1"))

    def done(self, text: str) -> None:
        self._mark("done", text, "")

    def skip(self, text: str) -> None:
        self._mark("skip", text, "")

    def fail(self, text: str) -> None:
        self._mark("fail", text, "")

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Shows the step while its block runs, then how it went and in how many seconds."""
        if self._live:
            sys.stdout.write(self._painted(f"  · {name} …", "2"))
            sys.stdout.flush()
        step = Step()
        began = time.monotonic()
        mark = "fail"
        try:
            yield step
            mark = "skip" if step.skipped else "done"
        finally:
            if self._live:
                sys.stdout.write("\r\033[K")
            self._mark(mark, f"{name:<22}{step.note}", f"{time.monotonic() - began:5.1f} s")

    def _mark(self, mark: str, text: str, seconds: str) -> None:
        colour = {"done": "32", "skip": "33", "fail": "31"}[mark]
        padded = f"{text:<62} {self._painted(seconds, '2')}" if seconds else text
        self.line(f"  {self._painted(self._marks[mark], colour)} {padded}")

    def _painted(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
