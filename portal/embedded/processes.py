"""Processes by identity: a number alone may by now belong to somebody else, number and start time cannot."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05


def identity(pid: int) -> str | None:
    """A text that only this process of this boot has; None when it is gone (a zombie is gone)."""
    if not sys.platform.startswith("linux"):
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return shown.stdout.strip() or None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    if state in "ZX":
        return None
    # Field 22 counts clock ticks since the boot, so it needs the boot's own name beside it.
    return f"{_boot()} {fields[18]}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown boot"


def working_directory(pid: int) -> Path | None:
    """Where a process lives, or None when that cannot be seen (gone, somebody else's, not Linux)."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None


def end_with_parent(signal_number: int) -> Callable[[], None]:
    """A `preexec_fn` that has Linux send the child this signal when its parent dies, by `kill -9` too."""
    libc = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    parent = os.getpid()

    def ask_kernel() -> None:
        if libc is None:
            return
        libc.prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it died between fork and prctl: nobody would end us any more
            os._exit(1)

    return ask_kernel


def record(folder: Path, name: str, pid: int) -> None:
    """Notes a process that we started, so that the next start can end it if we are killed."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{name}.json"
    draft = note.with_suffix(".new")
    draft.write_text(json.dumps({"pid": pid, "identity": identity(pid)}))
    draft.replace(note)


def recorded(folder: Path, name: str) -> int | None:
    """The number of a noted process if it still is that very process, else None."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        note = json.loads((folder / f"{name}.json").read_text())
        if note["identity"] and identity(note["pid"]) == note["identity"]:
            return int(note["pid"])
    return None


def forget(folder: Path, name: str) -> None:
    """Removes a process's note."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def end_group(pid: int, first: int = signal.SIGTERM, grace_seconds: float = 10) -> None:
    """Ends a process that leads its own group, kindly first; after the grace the whole group is killed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, first)
    kill_group_after(pid, grace_seconds)


def kill_group_after(pid: int, grace_seconds: float) -> None:
    """Waits for the end of a process that leads its own group; after the grace the whole group is killed."""
    known = identity(pid)
    if known is not None and not gone_within(pid, known, grace_seconds):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        gone_within(pid, known, 5)


def gone_within(pid: int, known: str, seconds: float) -> bool:
    """Waits until the process with this identity is gone; False when the time is up before."""
    deadline = time.monotonic() + seconds
    while identity(pid) == known:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
