"""`./run doctor`: every part looked at, and for each fault what to do about it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from portal.embedded import (
    browser,
    environment,
    examinations,
    lock,
    pango,
    ports,
    postgres_binaries,
    preflight,
    valkey,
)
from portal.embedded.console import Console
from portal.embedded.places import Places
from portal.embedded.refusals import Refusal

State = Literal["well", "note", "fault"]
_CHECK_SECONDS = 60


@dataclass(frozen=True)
class Finding:
    """What was seen of one part, and what to do when that is a fault."""

    part: str
    state: State
    seen: str
    remedy: str = ""


def examine(places: Places, console: Console) -> int:
    """Shows a line per part. Gives 0 when nothing is wrong, else 1."""
    console.heading("Billing portal, examined")
    faults = 0
    for finding in _findings(places):
        show = {"well": console.done, "note": console.skip, "fault": console.fail}[finding.state]
        show(f"{finding.part:<22}{finding.seen}")
        if finding.remedy:
            console.line(f"      {finding.remedy}")
        faults += finding.state == "fault"
    console.line()
    console.line("Everything is well." if not faults else f"{faults} fault{'s' if faults > 1 else ''}.")
    return 1 if faults else 0


def _findings(places: Places) -> Iterator[Finding]:
    yield Finding("Python", "well", sys.version.split()[0])
    yield _packages(places)
    yield _tried("Disk", lambda: _disk(places), "Free some space on this disk.")
    yield _pdf(places)
    yield _browser()
    yield _tried("PostgreSQL program", _postgres_program, "Run `./run` again, or set DATABASE_URL.")
    yield _tried("Valkey program", valkey.find_binary, "Run `./run` again, or set REDIS_URL.")
    running = lock.running(places.run)
    yield Finding("Portal", "well" if running else "note", "runs" if running else "does not run; start it with ./run")
    yield from _running(places) if running else _resting(places)


def _packages(places: Places) -> Finding:
    stamp = places.root / ".venv" / "requirements.json"
    if not stamp.exists():
        return Finding("Python packages", "note", "not installed by ./run", "Start ./run once to install them.")
    return Finding("Python packages", "well", f"installed ({', '.join(json.loads(stamp.read_text()))})")


def _disk(places: Places) -> str:
    preflight.check_folder(places.var)
    return f"{shutil.disk_usage(places.var).free // 1024**2} MB free"


def _pdf(places: Places) -> Finding:
    found = pango.prepare(places.system, places.root, places.log("install"), may_install=False)
    if found.found:
        return Finding("PDF", "well", f"Pango {found.note}")
    return Finding("PDF", "fault", "Pango is missing, PDFs are off", f"Install it: {pango.advice()}")


def _browser() -> Finding:
    found = browser.find()
    if found:
        return Finding("Browser for tests", "well", found)
    return Finding("Browser for tests", "note", "no Chromium; ./run test installs it where it may")


def _postgres_program() -> str:
    return str(postgres_binaries.find().postgres)


def _tried(part: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(part, "well", look())
    except Refusal as refusal:
        return Finding(part, "fault", str(refusal), remedy)


def _resting(places: Places) -> Iterator[Finding]:
    given = environment.given(places.root / ".env")
    host, port = given.get("HOST", ports.LOOPBACK), int(given.get("PORT", "8000"))
    remedy = "End that program, or choose another port with ./run --port."
    yield _tried("Port", lambda: _free_port(host, port), remedy)


def _free_port(host: str, port: int) -> str:
    preflight.check_port(host, port)
    return f"{port} is free"


def _running(places: Places) -> Iterator[Finding]:
    variables = environment.read(places.env) | environment.given(places.root / ".env")
    for part, look, remedy in examinations.of_running(places, variables):
        try:
            yield Finding(part, "well", look())
        except examinations.Fault as fault:
            yield Finding(part, "fault", str(fault), remedy)
    yield from _told_by_portal(places.root, variables)


def _told_by_portal(root: Path, variables: dict[str, str]) -> Iterator[Finding]:
    """What the portal finds when it looks at its own dependencies (`flask check`)."""
    remedy = "See the logs in var/log/ and start ./run again."
    try:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "check"],
            cwd=root,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=_CHECK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield Finding("Portal's own checks", "fault", f"gave no answer within {_CHECK_SECONDS} s", remedy)
        return
    answers = examinations.parse_check(done.stdout)
    if not answers:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        yield Finding("Portal's own checks", "fault", last, remedy)
    for name, (well, seen) in answers.items():
        remedy = "" if well else examinations.REMEDIES.get(name, "See the logs in var/log/.")
        yield Finding(f"Portal: {name}", "well" if well else "fault", seen, remedy)
