"""NetBox's rows within one transaction: tables by content type, what rows are called, and how many point where."""

from collections import Counter
from datetime import UTC, datetime

from ...engine.work import Work
from ..tables import Row, Table
from .models import MODELS, Model

_PREFIX = "_netbox."


class Database:
    """All tables; relations are kept as ids."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._counts: dict[tuple[str, str], Counter[int]] = {}
        self._rows: dict[str, list[Row]] = {}

    def insert(self, label: str, row: Row) -> Row:
        """Takes a row in; returns it with its id."""
        rows = self.rows(label)
        stored = self._table(label).insert(row)
        rows.append(stored)
        self._counts.clear()
        return stored

    def change(self, label: str, row_id: int) -> Row:
        """The working copy of a row that is there."""
        self._forget(label)
        return self._table(label).change(row_id)

    def remove(self, label: str, row_id: int) -> None:
        """Takes a row out."""
        self._forget(label)
        self._table(label).remove(row_id)

    def clear(self, label: str) -> None:
        """Takes all rows of a model out; the next one has the id 1."""
        self._forget(label)
        self._table(label).start_over()

    def rows(self, label: str) -> list[Row]:
        """All rows of one model in order of id, for reading."""
        if label not in self._rows:
            self._rows[label] = self._table(label).rows()
        return self._rows[label]

    def find(self, label: str, row_id: int) -> Row | None:
        """A row for reading, or None."""
        return self._table(label).find(row_id)

    def count(self, label: str, field: str, row_id: int) -> int:
        """How many rows of `label` point with `field` to that id, whoever asks: counters know no permissions."""
        key = (label, field)
        if key not in self._counts:
            self._counts[key] = Counter(row[field] for row in self.rows(label) if row.get(field) is not None)
        return self._counts[key][row_id]

    def custom_fields(self, label: str) -> list[Row]:
        """The custom fields that are defined for a model."""
        return [row for row in self.rows("extras.customfield") if label in row["object_types"]]

    def now(self) -> str:
        """The sandbox's time as NetBox writes it."""
        return timestamp(self.work.now)

    def _table(self, label: str) -> Table:
        return Table(self.work, _PREFIX + label)

    def _forget(self, label: str) -> None:
        self._rows.pop(label, None)
        self._counts.clear()


def timestamp(seconds: int) -> str:
    """UTC seconds as `2026-11-23T05:40:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def title_of(model: Model, row: Row) -> str:
    """The text that stands for an object (`display`)."""
    for name in model.named_by:
        if row.get(name):
            return str(row[name])
    return f"{model.title} {row['id']}"


def dependents(database: Database, label: str, row_id: int) -> list[tuple[Model, Row]]:
    """What points to a row and keeps it from being deleted."""
    return [
        (model, row)
        for model in MODELS.values()
        for field, target in model.relations.items()
        if target == label
        for row in database.rows(model.label)
        if row.get(field) == row_id
    ]
