"""`./run reset`: forgetting everything that starts have made, and keeping what was only downloaded."""

import os
import shutil
import sys
from pathlib import Path

from portal.embedded import lock, supervisor
from portal.embedded.console import Console
from portal.embedded.places import Places
from portal.embedded.refusals import Refusal

_DATA = ("postgres", "valkey", "sandbox", "prometheus", "log", "run", "secrets", "env", "demo.json")


def reset(places: Places, console: Console, *, confirmed: bool) -> int:
    """Deletes the data of this checkout. Gives the exit code: 0 when it is deleted, 1 when it was not wanted.

    Raises Refusal while the portal runs, and when nobody can be asked.
    """
    if lock.running(places.run):
        raise Refusal("The portal is running: stop it first with Ctrl-C, then reset.")
    found = [places.var / name for name in _DATA if (places.var / name).exists()]
    if not found:
        console.line("There is nothing to delete.")
        return 0
    if not confirmed and not _agreed(places):
        console.line("Nothing was deleted.")
        return 1
    supervisor.end_leftovers(places.run)
    for path in found:
        _delete(path)
    console.line("Deleted: the database, the queue, the sandbox, the secrets and the logs. ./run starts anew.")
    return 0


def _agreed(places: Places) -> bool:
    if not sys.stdin.isatty():
        raise Refusal("A reset deletes all data and asks first; without a terminal use: ./run reset --yes")
    sys.stdout.write(f"This deletes the database and all other data in {places.shown(places.var)}/. Type yes: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def _delete(path: Path) -> None:
    moved = path / "moved-to"
    if moved.exists() and os.geteuid() == 0:
        shutil.rmtree(moved.read_text().strip(), ignore_errors=True)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
