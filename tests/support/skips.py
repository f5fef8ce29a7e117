"""A pytest plugin: in CI a test may only be skipped for a reason that `tests/skips.txt` lists.

Without it a suite that silently skips its hardest tests stays green. Each line of the list is the beginning
of an allowed reason; empty lines and lines that start with `#` do not count.
"""

import os
from pathlib import Path

import pytest

ALLOWED = Path(__file__).parent.parent / "skips.txt"


def allowed_reasons(listing: str) -> tuple[str, ...]:
    """The allowed beginnings of a skip reason."""
    lines = (line.strip() for line in listing.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why something was skipped, as its author wrote it."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


class SkipGuard:
    """Collects the reasons that the list does not have and fails the run at its end."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = allowed
        self._unlisted: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure is reported as skipped too; it was run.
        if report.skipped and not hasattr(report, "wasxfail"):
            self._judge(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self._judge(report)

    def _judge(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = reason_of(report)
        if not reason.startswith(self._allowed):
            self._unlisted.append(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._unlisted:
            terminalreporter.section("skipped for a reason that tests/skips.txt does not list")
            for line in self._unlisted:
                terminalreporter.line(line, red=True)


def pytest_configure(config: pytest.Config) -> None:
    in_ci = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
    if in_ci and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipGuard(allowed_reasons(ALLOWED.read_text())), "skip-guard")
