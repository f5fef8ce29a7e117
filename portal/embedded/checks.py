"""`./run test`: every check of the project, one after the other, and a table of how they went."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from portal.embedded import browser, pango, postgres_binaries, preflight
from portal.embedded.console import Console
from portal.embedded.places import Places

TRANSLATIONS = "tests.support.translations"
# What a check exits with when it could not find anything out (EX_TEMPFAIL of sysexits.h): neither well nor wrong.
UNANSWERED = 75
# The oldest server that the portal supports runs what hangs on the server the most, on every run.
_OLDEST_POSTGRES = "16"


@dataclass(frozen=True)
class Check:
    """A run of Python in the suite; `skipped` says why it is not run, `unanswered` why it ended with UNANSWERED."""

    name: str
    arguments: tuple[str, ...]
    skipped: str = ""
    unanswered: str = ""
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a check went, in how many seconds; `reason` says why it was not run."""

    name: str
    result: Literal["passed", "failed", "skipped"]
    seconds: float = 0
    reason: str = ""


def run_checks(places: Places, console: Console, pytest_arguments: list[str]) -> int:
    """Prepares what is missing and runs every check, also after one that failed.

    With arguments for pytest only pytest runs. Gives 0 when all passed, else 1. In CI a check that cannot be
    run has failed, unless `tests/skips.txt` lists the reason: it would stay unseen otherwise.
    """
    preflight.check_folder(places.var)
    variables = _prepare(places, console)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        pytest = ("-m", "pytest", f"--junit-xml={report}", *(pytest_arguments or _everything()))
        checks = [Check("tests", pytest)]
        if not pytest_arguments:
            checks = [*_static_checks(), *_supply_checks(), _on_oldest_postgres(), *checks]
        outcomes = [_run(check, places, console, variables) for check in checks]
        _show(outcomes, _skip_reasons(report), console)
    return 1 if any(outcome.result == "failed" for outcome in outcomes) else 0


def _static_checks() -> list[Check]:
    absent = "" if importlib.util.find_spec(TRANSLATIONS) else f"{TRANSLATIONS} is not there"
    return [
        Check("lint", ("-m", "ruff", "check", ".", "run")),
        Check("format", ("-m", "ruff", "format", "--check", ".", "run")),
        Check("types", ("-m", "mypy")),
        Check("imports", ("-c", "from importlinter.cli import lint_imports_command as lint; lint()")),
        Check("translations", ("-m", TRANSLATIONS), skipped=absent),
    ]


def _supply_checks() -> list[Check]:
    return [
        Check("licences", ("-m", "tests.support.licences")),
        Check("advisories", ("-m", "tests.support.advisories"), unanswered="no advisory service can be reached"),
    ]


def _on_oldest_postgres() -> Check:
    # Also where the tests themselves are sent to a server that somebody named.
    variables = {postgres_binaries.MAJOR_VARIABLE: _OLDEST_POSTGRES, "TEST_DATABASE_ADMIN_URL": ""}
    arguments = ("-m", "pytest", "-q", "tests/database")
    return Check(f"PostgreSQL {_OLDEST_POSTGRES}", arguments, variables=variables)


def _everything() -> tuple[str, ...]:
    return ("-n", str(os.cpu_count() or 2), "--dist", "loadfile", "-q", "--durations=25", "--durations-min=5")


def _prepare(places: Places, console: Console) -> dict[str, str]:
    console.heading("Preparing")
    log = places.log("install")
    log.parent.mkdir(parents=True, exist_ok=True)
    with console.step("PDF") as step:
        found = pango.prepare(places.system, places.root, log)
        step.note = f"Pango {found.note}" if found.found else f"Pango is {found.note}"
        step.skipped = not found.found
    with console.step("Browser") as step:
        chromium = browser.prepare(log)
        step.note = chromium or f"no Chromium, browser tests are skipped; {browser.advice()}"
        step.skipped = chromium is None
    return found.variables | ({"CHROMIUM_PATH": chromium} if chromium else {})


def _run(check: Check, places: Places, console: Console, variables: dict[str, str]) -> Outcome:
    if check.skipped:
        return _skipped(check.name, check.skipped, places.root)
    console.line()
    console.heading(f"{check.name}: {' '.join(check.arguments)}")
    began = time.monotonic()
    environment = os.environ | variables | check.variables
    done = subprocess.run([sys.executable, *check.arguments], cwd=places.root, env=environment, check=False)
    if done.returncode == UNANSWERED and check.unanswered:
        return _skipped(check.name, check.unanswered, places.root)
    return Outcome(check.name, "failed" if done.returncode else "passed", time.monotonic() - began)


def _skipped(name: str, reason: str, root: Path) -> Outcome:
    excused = not _in_ci() or reason.startswith(_allowed_reasons(root))
    return Outcome(name, "skipped" if excused else "failed", reason=f"skipped: {reason}")


def _in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _allowed_reasons(root: Path) -> tuple[str, ...]:
    """The list that pytest's own skips are held to (`tests/support/skips.py`)."""
    listing = root / "tests" / "skips.txt"
    lines = listing.read_text().splitlines() if listing.exists() else []
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _skip_reasons(report: Path) -> Counter[str]:
    if not report.exists():
        return Counter()
    # Written by our own pytest a moment ago, so that a hostile document is no concern.
    skips = ET.parse(report).iter("skipped")  # noqa: S314
    return Counter(skip.get("message", "no reason") for skip in skips if skip.get("type") == "pytest.skip")


def _show(outcomes: list[Outcome], skips: Counter[str], console: Console) -> None:
    console.line()
    console.heading("Summary")
    for outcome in outcomes:
        show = {"passed": console.done, "failed": console.fail, "skipped": console.skip}[outcome.result]
        how = outcome.reason or f"{outcome.result:<10}{outcome.seconds:7.1f} s"
        show(f"{outcome.name:<14}{how}")
    for reason, count in skips.most_common():
        console.skip(f"{count} test{'s' if count > 1 else ''} skipped: {reason}")
