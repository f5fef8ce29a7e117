"""Where things are: the checkout and its folder `var/`, which holds everything that a start makes."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Paths of one checkout. `RUN_VAR` moves `var/` elsewhere, for a second portal or a test."""

    root: Path
    var: Path

    @property
    def env(self) -> Path:
        """The environment of everything that we start (secrets inside)."""
        return self.var / "env"

    @property
    def secrets(self) -> Path:
        """What was generated once and must stay the same."""
        return self.var / "secrets"

    @property
    def demo(self) -> Path:
        """The demo logins, as JSON."""
        return self.var / "demo.json"

    @property
    def run(self) -> Path:
        """The lock, and one note per process that we started."""
        return self.var / "run"

    @property
    def system(self) -> Path:
        """System libraries unpacked without root; a reset keeps them."""
        return self.var / "system"

    def log(self, name: str) -> Path:
        return self.var / "log" / f"{name}.log"

    def shown(self, path: Path) -> str:
        """A path as a person in the checkout would type it."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def of_checkout() -> Places:
    """The places of the checkout that this file is in."""
    root = Path(__file__).resolve().parents[2]
    return Places(root, Path(os.environ.get("RUN_VAR") or root / "var").resolve())
