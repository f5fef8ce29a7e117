"""What the requirements files and `pyproject.toml` ask for, read without any network."""

import importlib.metadata
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "requirements.txt"
DEV = ROOT / "requirements-dev.txt"
UV = ROOT / "requirements-uv.txt"
FILES = (RUNTIME, DEV, UV)


@dataclass(frozen=True)
class Pin:
    """One entry of a requirements file: what is asked for, and the options behind it."""

    requirement: Requirement
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """The version of `name==version`. Raises ValueError for anything looser."""
        (specifier,) = self.requirement.specifier
        if specifier.operator != "==" or specifier.version.endswith("*"):
            raise ValueError(f"{self.requirement} is not pinned with ==")
        return specifier.version

    @property
    def applies(self) -> bool:
        """Whether this machine's Python installs it."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def pins(text: str) -> list[Pin]:
    """The entries of a requirements file. Raises InvalidRequirement for a line that is no plain requirement."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    found = []
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        if entry.strip():
            asked, *options = entry.split(" --")
            found.append(Pin(Requirement(asked.strip()), tuple(f"--{option.strip()}" for option in options)))
    return found


def asked_for(*extras: str) -> list[Requirement]:
    """What `pyproject.toml` asks for itself, with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = list(project["dependencies"])
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    return [Requirement(line) for line in asked]


def needs(name: str, extras: set[str]) -> list[Requirement]:
    """What an installed distribution needs here, with these extras of it."""
    lines = importlib.metadata.requires(name) or []
    return [asked for asked in map(Requirement, lines) if _wanted(asked, extras)]


def _wanted(asked: Requirement, extras: set[str]) -> bool:
    return asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in {"", *extras})
