"""One portal per checkout: the lock that a running one holds."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from portal.embedded.refusals import Refusal


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def held(folder: Path, address: str) -> Iterator[None]:
    """Holds the lock while the block runs; the kernel lets go of it however we end.

    Raises Refusal with the address of the portal that is running already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        if _taken(file):
            raise Refusal(f"The portal is running already at {_holder(file)}; stop it there with Ctrl-C.")
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "address": address}))
        file.flush()
        yield


def running(folder: Path) -> bool:
    """Whether a portal of this checkout is running now."""
    try:
        with (folder / "lock").open("a+") as file:
            return _taken(file)
    except FileNotFoundError:
        return False


def _holder(file: IO[str]) -> str:
    file.seek(0)
    try:
        note = json.loads(file.read())
        return f"{note['address']} (process {note['pid']})"
    except (ValueError, KeyError):
        return "an address that it has not noted yet"
