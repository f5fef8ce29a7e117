"""All rows of all tables, as the superuser sees them: what is whose, what changed, what must never be shown."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from portal import config

_SHORTEST_SECRET = 6  # characters: shorter texts occur by accident
_TABLES = """
    SELECT c.relname AS name, coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE i.indisprimary), '{}')
      AS key
    FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    GROUP BY c.relname ORDER BY 1"""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One row that is not what it was; ``before`` or ``after`` is ``None`` for a new or a missing one."""

    table: str
    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """The row, as it is or as it was."""
        return self.after or self.before or {}

    @property
    def columns(self) -> frozenset[str]:
        """The columns that differ; all of a new or a missing row."""
        if self.before is None or self.after is None:
            return frozenset(self.row)
        return frozenset(name for name in self.after if self.after[name] != self.before.get(name))

    def mentions(self, *texts: object) -> bool:
        """Whether any of these occurs in the row as it is now."""
        written = json.dumps(self.after)
        return any(str(each) in written for each in texts)


@dataclass(frozen=True)
class Snapshot:
    """Rows by table, then by primary key, as JSON would write them."""

    tables: Mapping[str, Mapping[str, Row]]

    def changes_to(self, later: "Snapshot") -> list[Change]:
        """What happened between this snapshot and a later one."""
        return [
            Change(table, before.get(key), after.get(key))
            for table, after in later.tables.items()
            for before in [self.tables.get(table, {})]
            for key in {**before, **after}
            if before.get(key) != after.get(key)
        ]

    def of_tenant(self, tenant_id: UUID) -> Iterator[tuple[str, Row]]:
        """Every row that carries the tenant, and the tenant's own."""
        for table, rows in self.tables.items():
            column = "id" if table == "tenants" else "tenant_id"
            for row in rows.values():
                if row.get(column) == str(tenant_id):
                    yield table, row

    def of_user(self, user_id: UUID) -> Iterator[tuple[str, Row]]:
        """Every row that belongs to a person and to no tenant."""
        for table, rows in self.tables.items():
            column = "id" if table == "users" else "user_id"
            for row in rows.values():
                if row.get(column) == str(user_id):
                    yield table, row

    def secrets_of(self, tenant_id: UUID, user_id: UUID) -> frozenset[str]:
        """Texts that occur in the tenant's and its owner's rows and in nobody else's."""
        mine = [row for _, row in (*self.of_tenant(tenant_id), *self.of_user(user_id))]
        own = {id(row) for row in mine}
        others = json.dumps([row for row in self._rows if id(row) not in own])
        texts = {each for row in mine for each in _texts(row)}
        return frozenset(each for each in texts if len(each) >= _SHORTEST_SECRET and each not in others)

    @cached_property
    def _rows(self) -> list[Row]:
        return [row for rows in self.tables.values() for row in rows.values()]


def take(settings: config.Settings) -> Snapshot:
    """All rows of all tables now."""
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool)
    with engine.connect() as connection:
        return take_on(connection)


def take_on(connection: Connection) -> Snapshot:
    """The same on a superuser's connection that is open already."""
    tables = connection.execute(text(_TABLES)).all()
    return Snapshot({table.name: _rows(connection, table.name, table.key) for table in tables})


def unexplained(changes: list[Change], is_expected: Callable[[Change], bool]) -> list[str]:
    """The changes that nothing accounts for, in words."""
    return [
        f"{each.table}: {'new' if each.before is None else 'gone' if each.after is None else sorted(each.columns)}"
        f" {json.dumps(each.row)[:300]}"
        for each in changes
        if not is_expected(each)
    ]


def _rows(connection: Connection, table: str, key: list[str]) -> Mapping[str, Row]:
    found = connection.exec_driver_sql(f'SELECT to_jsonb(t) FROM "{table}" t').scalars()  # noqa: S608
    return {json.dumps([row[name] for name in key] if key else row): row for row in found}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
