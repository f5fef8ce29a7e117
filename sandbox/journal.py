"""The state file: one line of JSON per committed transaction, appended before the answer leaves.

Why an append-only journal and not sqlite3: the store is in memory anyway, a commit is one `write` of
the changed objects (about 20 µs, sqlite several times that), and a transaction is whole or absent:
`kill -9` can only cut the last line, which was never answered and is dropped at the next start.
The write reaches the page cache, so it survives the process, not a power cut; that is the promise.
At every start the file is rewritten to the newest version of each object and replaced atomically.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

Obj: TypeAlias = dict[str, Any]
Change: TypeAlias = tuple[str, str, Obj | None]  # kind, id, the new version or None when removed


class StateInUse(Exception):
    """Another sandbox holds the state file."""


class Journal:
    """Owns one state file. `append` returns when the transaction is in the page cache."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # The lock is a file of its own: the state file is replaced, which would lose a lock on it.
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StateInUse(f"another sandbox is using {path}") from error
        self._file: int | None = None

    def replay(self) -> Iterator[list[Change]]:
        """Every committed transaction, oldest first; a torn last line is left out."""
        if not self._path.exists():
            return
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                yield [(kind, object_id, body) for kind, object_id, body in json.loads(line)]

    def rewrite(self, objects: Iterable[Change]) -> None:
        """Replaces the file by these objects, atomically, and goes on appending behind them."""
        fresh = Path(f"{self._path}.new")
        with fresh.open("wb") as out:
            for change in objects:
                out.write(_line([change]))
        if self._file is not None:
            os.close(self._file)
        fresh.replace(self._path)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def append(self, changes: list[Change]) -> None:
        """Writes one transaction; OSError (a full disk) leaves the file as it was before."""
        if self._file is None:
            raise RuntimeError("rewrite() opens the journal before anything is appended")
        line = _line(changes)
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
        except OSError:
            os.ftruncate(self._file, size)
            raise
        if written != len(line):
            os.ftruncate(self._file, size)
            raise OSError("the disk took only a part of the transaction")

    def close(self) -> None:
        """Closes the file and frees the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        os.close(self._lock)


def _line(changes: list[Change]) -> bytes:
    return json.dumps(changes, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
