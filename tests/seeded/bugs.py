"""Bugs that cost others money or trust, as patches; each is put into a copy of the portal for the test that is there
for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent
COPIED = ("portal", "blueprints", "jobs", "migrations", "sandbox", "templates", "static", "translations", "tests")
FILES = ("pyproject.toml", "wsgi.py", "babel.cfg")

# The bug, and the test that has to fail on it.
CAUGHT_BY = {
    "no_sweeper": "tests/outbox/test_bell.py::test_without_redis_the_ticker_does_the_work",
    "no_idempotency_key": "tests/faults/test_stripe.py::test_an_unknown_answer_is_finished_by_a_worker",
    "no_unique": "tests/outbox/test_leases.py::test_a_key_is_owed_once_for_ever",
    "skipped_signature": "tests/webhooks/test_forgeries.py::test_forged_deliveries_leave_nothing",
    "tenant_for_the_session": "tests/database/test_connections.py::test_the_binding_ends_with_its_transaction",
}


def copy_to(folder: Path) -> None:
    """The portal's own files, as they are in the tree."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)


def apply(bug: str, folder: Path) -> str:
    """Put the bug into a copy; returns what git has against it, nothing when it fits."""
    patch = str(PATCHES / f"{bug}.patch")
    command = ["git", "apply", "--unsafe-paths", "--directory", str(folder), patch]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def caught(bug: str, folder: Path) -> tuple[bool, str]:
    """Whether the test fails on the copy, and what it said. Its servers are this run's, its databases its own."""
    environment = os.environ | {"PYTEST_XDIST_TESTRUNUID": f"{bug[:4]}{os.getpid()}"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", CAUGHT_BY[bug]]
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return found.returncode == 1 and " failed" in found.stdout, found.stdout
