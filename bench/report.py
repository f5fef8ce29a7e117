"""The table, the machine that it was measured on, and the place in the documents where it is kept."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from bench.harness import Row
from bench.places import ROOT
from tests.support.services import DATABASE_VARIABLE

EVIDENCE = ROOT / "docs" / "evidence.md"
BEGIN, END = "<!-- bench: python -m bench --write -->", "<!-- end of bench -->"
_HEADS = ("what", "median (spread)", "aim", "reached", "subject / reference")


def machine() -> dict[str, str]:
    """What a figure depends on, as it is before the load starts."""
    names = [line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return {
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "--", "*.py") else ""),
        "cores": f"{os.cpu_count()} × {names[0] if names else platform.machine()}",
        "load": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
    }


def postgres_version() -> str:
    """The version of the server of this run."""
    with psycopg.connect(os.environ[DATABASE_VARIABLE]) as connection:
        return str(connection.info.parameter_status("server_version"))


def table(rows: Sequence[Row], machine: Mapping[str, str]) -> str:
    """The rows as a Markdown table that is also readable in a terminal, and the machine below it."""
    lines = [_HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEADS))]
    padded = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    rule = "-|-".join("-" * width for width in widths)
    text = "\n".join(f"| {line} |" for line in (padded[0], *padded[1:])).split("\n", 1)
    told = ", ".join(f"{name} {value}" for name, value in machine.items())
    return f"{text[0]}\n|-{rule}-|\n{text[1] if len(text) > 1 else ''}\n\nMeasured at {told}.\n"


def write(text: str) -> None:
    """Replace what stands between the markers in ``docs/evidence.md``."""
    before, rest = EVIDENCE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    EVIDENCE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


def _cpu_lines() -> list[str]:
    info = Path("/proc/cpuinfo")
    return info.read_text().splitlines() if info.exists() else []


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
