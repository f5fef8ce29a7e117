"""Five bugs that cost others money or trust, each put into a copy of the portal: the suite has to catch it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent
COPIED = ("portal", "blueprints", "jobs", "migrations", "sandbox", "templates", "static", "translations", "tests")
FILES = ("pyproject.toml", "wsgi.py", "babel.cfg")

# The bug, and the test that is there for it.
CAUGHT_BY = {
    "no_sweeper": "tests/outbox/test_bell.py::test_without_redis_the_ticker_does_the_work",
    "no_idempotency_key": "tests/faults/test_stripe.py::test_an_unknown_answer_is_finished_by_a_worker",
    "no_unique": "tests/outbox/test_leases.py::test_a_key_is_owed_once_for_ever",
    "skipped_signature": "tests/webhooks/test_forgeries.py::test_forged_deliveries_leave_nothing",
    "tenant_for_the_session": "tests/database/test_connections.py::test_the_binding_ends_with_its_transaction",
}


@pytest.fixture(name="copy")
def fixture_copy(tmp_path: Path) -> Path:
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_every_patch_has_its_test() -> None:
    assert {path.stem for path in PATCHES.glob("*.patch")} == set(CAUGHT_BY)


@pytest.mark.parametrize("bug", sorted(CAUGHT_BY))
def test_the_suite_catches(copy: Path, bug: str) -> None:
    applied = subprocess.run(
        ["git", "apply", "--unsafe-paths", "--directory", str(copy), str(PATCHES / f"{bug}.patch")],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert applied.returncode == 0, f"the patch no longer fits: {applied.stderr}"
    assert (copy / "portal").is_dir()
    # The servers are this run's; the databases are the copy's own.
    environment = os.environ | {"PYTEST_XDIST_TESTRUNUID": f"{bug[:4]}{os.getpid()}"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", CAUGHT_BY[bug]]
    found = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 1, f"the bug went through:\n{found.stdout[-3000:]}"
    assert " failed" in found.stdout, found.stdout[-3000:]
