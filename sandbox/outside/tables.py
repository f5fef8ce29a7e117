"""Rows with whole-number ids from 1, as databases number them, in the sandbox's store.

An id is not given out twice, also after its row was removed. Rows handed out for reading must not be changed.
"""

from typing import Any, TypeAlias

from ..engine.work import Work, copied

Row: TypeAlias = dict[str, Any]
_SEQUENCES = "_sequence"


class Table:
    """The rows of one kind within one transaction; the kind starts with `_`, so Stripe's API never serves it."""

    def __init__(self, work: Work, kind: str) -> None:
        self._work = work
        self._kind = kind

    def rows(self) -> list[Row]:
        """All of them in order of their ids, for reading."""
        newest_first = [body["row"] for body in self._work.all(self._kind)]
        return newest_first[::-1]

    def newest(self) -> list[Row]:
        """All of them, the newest first, for reading."""
        return [body["row"] for body in self._work.all(self._kind)]

    def find(self, row_id: int) -> Row | None:
        """The row for reading, or None."""
        found = self._work.find(self._kind, str(row_id))
        return None if found is None else found["row"]

    def insert(self, row: Row) -> Row:
        """Takes a row in and gives it the next id."""
        row_id = self._next()
        stored = {"id": row_id, **{key: value for key, value in row.items() if key != "id"}}
        self._work.add(self._kind, {"id": str(row_id), "row": stored})
        return stored

    def change(self, row_id: int) -> Row:
        """The working copy of a row that is there."""
        row: Row = self._work.edit(self._kind, str(row_id))["row"]
        return row

    def remove(self, row_id: int) -> None:
        """Takes the row out."""
        self._work.remove(self._kind, str(row_id))

    def clear(self) -> int:
        """Takes all rows out; how many there were."""
        rows = self.rows()
        for row in rows:
            self.remove(row["id"])
        return len(rows)

    def start_over(self) -> None:
        """Takes all rows out and numbers from 1 again, as a new database does."""
        self.clear()
        self._work.remove(_SEQUENCES, self._kind)

    def keep_newest(self, most: int) -> None:
        """Takes the oldest rows out until so many are left."""
        for row in self.newest()[most:]:
            self.remove(row["id"])

    def _next(self) -> int:
        sequence = self._work.find(_SEQUENCES, self._kind) or {"id": self._kind, "last": 0}
        number: int = sequence["last"] + 1
        self._work.add(_SEQUENCES, {**copied(sequence), "last": number})
        return number
