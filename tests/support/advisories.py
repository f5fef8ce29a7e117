"""Known vulnerabilities in the pins: ``python -m tests.support.advisories`` asks by ``pip-audit``.

Exit code 0: every pin was asked about and nothing is known. 1: something is, or a pin could not be judged. 75: no
advisory service answered, so that nothing is known of anything; that is never a pass.

``pip-audit`` without ``--strict`` says "No known vulnerabilities" and 0 when its service knows none of the packages, as
behind a mirror of the package index. So each service is first asked about a release that is known to be vulnerable, and
only the answers of one that knows about that are believed.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tests.support.requirements import DEV, ROOT, UV, pins

UNANSWERED = 75  # EX_TEMPFAIL of sysexits.h
REASON = "no advisory service can be reached"
IGNORED = ROOT / "tests" / "advisories.txt"
KNOWN_TO_BE_VULNERABLE = "urllib3==1.24.1"
SERVICES = (("--vulnerability-service", "pypi"), ("--vulnerability-service", "osv"))
_FLAGS = ("--strict", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "5")
_CANARY_SECONDS = 20
_AUDIT_SECONDS = 180
_AWAY = re.compile(r"connect|timed? ?out|name resolution|ServiceError|HTTPError|JSONDecodeError", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What ``pip-audit`` found: its JSON, or None when it gave none; and what it said beside."""

    found: dict[str, Any] | None
    said: str


def audit(files: tuple[Path, ...], services: tuple[tuple[str, ...], ...] = SERVICES) -> tuple[int, list[str]]:
    """Asks the first service that can be believed about every pin; gives the exit code and what to say."""
    ignored, wrong = ignored_until(IGNORED.read_text(), datetime.now(UTC).date())
    if wrong:
        return 1, wrong
    for service in services:
        if _is_believable(service):
            asked = ("--require-hashes", *(f"--requirement={file}" for file in files))
            names = {pin.name for file in files for pin in pins(file.read_text()) if pin.applies}
            code, lines = judge(_ask(service, asked, _AUDIT_SECONDS), names, ignored)
            if code != UNANSWERED:
                return code, lines
    return UNANSWERED, [f"{REASON}: nothing is known of the pins"]


def judge(answer: Answer, names: set[str], ignored: Set[str] = frozenset()) -> tuple[int, list[str]]:
    """The exit code for an answer of a service that is believed, and what to say."""
    if answer.found is None:
        last = (answer.said.strip().splitlines() or ["it said nothing"])[-1]
        return (UNANSWERED, [last]) if _AWAY.search(last) else (1, [f"pip-audit could not judge every pin: {last}"])
    entries = answer.found["dependencies"]
    unjudged = names - {entry["name"] for entry in entries if "vulns" in entry}
    lines = [f"{name} was not judged" for name in sorted(unjudged)]
    for entry in entries:
        for known in entry.get("vulns", []):
            if not ignored & {known["id"], *known["aliases"]}:
                mended = ", ".join(known["fix_versions"]) or "no release yet"
                lines.append(f"{entry['name']} {entry['version']}: {known['id']}, mended in {mended}")
    if lines:
        lines.append(
            "Upgrade these (CONTRIBUTING.md, Requirements), or enter them with a reason in tests/advisories.txt."
        )
        return 1, lines
    return 0, [f"{len(entries)} packages, no known vulnerability"]


def ignored_until(listing: str, today: date) -> tuple[set[str], list[str]]:
    """The advisories that are not counted today, and what is wrong with the list."""
    entries, wrong = set(), []
    for line in listing.splitlines():
        if line.strip() and not line.startswith("#"):
            found = re.fullmatch(r"(\S+) (\d{4}-\d{2}-\d{2}) (.+)", line.strip())
            if found is None:
                wrong.append(f"tests/advisories.txt: {line!r} is not: identifier, last day, reason")
            elif date.fromisoformat(found[2]) < today:
                wrong.append(f"tests/advisories.txt: {found[1]} was to be looked at again by {found[2]}")
            else:
                entries.add(found[1])
    return entries, wrong


def _is_believable(service: tuple[str, ...]) -> bool:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"{KNOWN_TO_BE_VULNERABLE}\n")
        file.flush()
        answer = _ask(service, ("--no-deps", f"--requirement={file.name}"), _CANARY_SECONDS)
    return answer.found is not None and any(entry.get("vulns") for entry in answer.found["dependencies"])


def _ask(service: tuple[str, ...], asked: tuple[str, ...], seconds: float) -> Answer:
    command = [sys.executable, "-m", "pip_audit", *_FLAGS, *service, *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return Answer(None, f"timed out after {seconds} s")
    try:
        return Answer(json.loads(done.stdout), done.stderr)
    except ValueError:
        return Answer(None, done.stderr)


def main() -> int:
    """Audits what production and development install."""
    code, lines = audit((DEV, UV))
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
