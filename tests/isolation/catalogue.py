"""Hostile statements for every table and function there is, made from PostgreSQL's catalogue."""

# ruff: noqa: S608 (injecting SQL is what this is for)

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from tests.isolation.hostile import literal
from tests.isolation.loot import Loot, missing_like
from tests.isolation.snapshots import Row
from tests.isolation.world import World

_COLUMNS = """
    SELECT c.relname AS table, coalesce(p.inhparent::regclass::text, c.relname) AS whole,
      a.attname AS column, format_type(a.atttypid, NULL) AS type,
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY(i.indkey)) AS is_key,
      has_table_privilege(:role, c.oid, 'INSERT') AS may_insert,
      has_column_privilege(:role, c.oid, a.attnum, 'UPDATE') AS may_update
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_inherits p ON p.inhrelid = c.oid AND c.relispartition
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
      AND (NOT c.relispartition OR c.relname = ANY(:partitions)) ORDER BY c.relname, a.attnum"""
_KEYS = """
    SELECT i.indrelid::regclass::text AS table,
      array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum)) AS columns
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
    WHERE i.indisunique GROUP BY i.indexrelid, i.indrelid"""
_FUNCTIONS = """
    SELECT p.oid::regprocedure::text AS signature, p.proname AS name,
      ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, n) ORDER BY n) AS types
    FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace ORDER BY 1"""
# Tables and functions of the attacker's own, found before the real ones if a function does not pin its path.
_SHADOWS = """
    SET LOCAL search_path = pg_temp, public;
    CREATE TEMP TABLE users (id uuid, password_hash text, disabled_at timestamptz);
    CREATE TEMP TABLE staff_members (user_id uuid, role text);
    CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
    CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz $$"""
_NAMES = ("uuid", "text", "bytea")


@dataclass(frozen=True)
class Column:
    """``may_insert`` and ``may_update``: the attacking role holds the grant."""

    name: str
    type: str
    is_key: bool
    may_insert: bool
    may_update: bool


@dataclass(frozen=True)
class Hostile:
    """A statement; ``name`` says in a failure what it is, and in the list of known limits which it is."""

    name: str
    sql: str


@dataclass(frozen=True)
class Table:
    """A table with a row of the victim's and one of the attacker's; ``owner`` is the column that tells whose it is."""

    name: str
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...]
    owner: str
    hers: Row
    mine: Row

    def statements(self) -> Iterator[Hostile]:
        """Reading, changing, removing and adding her rows, and asking constraints about them."""
        for name, sql in {**self._reads(), **self._writes(), **self._takeovers()}.items():
            yield Hostile(f"{self.name}: {name}", sql)
        yield from self._questions()

    @property
    def _hers(self) -> str:
        """A condition that only her row fulfils."""
        key = "id" if "id" in self.hers else self.owner
        return f"{key} = {literal(self.hers[key])}"

    def _reads(self) -> dict[str, str]:
        table, hers = self.name, self._hers
        return {
            "read": f"SELECT * FROM {table} WHERE {hers}",
            "count": f"SELECT count(*) FROM {table} WHERE {hers}",
            "read by tenant": f"SELECT * FROM {table} t WHERE t.{self.owner} = {literal(self.hers[self.owner])}",
            "read all": f"SELECT * FROM {table}",
            "lock": f"SELECT * FROM {table} WHERE {hers} FOR UPDATE",
            "share": f"SELECT * FROM {table} WHERE {hers} FOR KEY SHARE",
            "divide by zero": f"SELECT CASE WHEN EXISTS (SELECT FROM {table} WHERE {hers}) THEN 1 / 0 ELSE 0 END",
            "divide in a predicate": f"SELECT 1 FROM {table} WHERE 1 / (CASE WHEN {hers} THEN 0 ELSE 1 END) = 2",
            "fail with the value": f"SELECT 1 FROM {table} t WHERE t::text::int = 1",
            "fail with hers": f"SELECT 1 FROM {table} t WHERE (CASE WHEN {hers} THEN t::text ELSE '1' END)::int = 2",
            "copy": f"COPY (SELECT * FROM {table} WHERE {hers}) TO STDOUT",
            "view": f"CREATE TEMP VIEW peep AS SELECT * FROM {table}; SELECT count(*) FROM peep WHERE {hers}",
            "explain": f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) "
            f"SELECT * FROM {table} WHERE {hers}",
        }

    def _writes(self) -> dict[str, str]:
        table, hers, owner = self.name, self._hers, self.owner
        some = next(column.name for column in self.columns if column.name != owner)
        return {
            "update": f"UPDATE {table} SET {some} = {some} WHERE {hers}",
            "give away": f"UPDATE {table} SET {owner} = {literal(self.hers[owner])} WHERE {owner} = "
            f"{literal(self.mine[owner])}",
            "delete": f"DELETE FROM {table} WHERE {hers}",
            "delete using": f"DELETE FROM {table} t USING {table} o WHERE o.{owner} = {literal(self.hers[owner])}",
            "merge and update": f"MERGE INTO {table} t USING (SELECT 1) AS s ON {_of(hers)} "
            f"WHEN MATCHED THEN UPDATE SET {some} = t.{some}",
            "merge and delete": f"MERGE INTO {table} t USING (SELECT 1) AS s ON {_of(hers)} WHEN MATCHED THEN DELETE",
            "insert her row": _insert(table, self.hers),
            "insert or update her row": f"{_insert(table, self.hers)} ON CONFLICT DO NOTHING",
        }

    def _takeovers(self) -> dict[str, str]:
        table = self.name
        return {
            "truncate": f"TRUNCATE {table} CASCADE",
            "disable": f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            "own": f"ALTER TABLE {table} OWNER TO CURRENT_USER",
            "add a policy": f"CREATE POLICY open ON {table} USING (true)",
            "add a trigger": f"CREATE TRIGGER spy BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "add a rule": f"CREATE RULE spy AS ON INSERT TO {table} DO ALSO NOTHING",
            "inherit": f"CREATE TEMP TABLE child () INHERITS ({table})",
            "drop": f"DROP TABLE {table} CASCADE",
            "row_security off": f"SET LOCAL row_security = off; SELECT * FROM {table} WHERE {self._hers}",
        }

    def _questions(self) -> Iterator[Hostile]:
        """Rows of the attacker's own that name her values: do keys and foreign keys answer for her?"""
        fresh = {column.name: self._fresh(column) for column in self.columns}
        may_insert = self.columns[0].may_insert
        for named in dict.fromkeys([*((column.name,) for column in self.columns), *self.keys]):
            values = {name: self.hers[name] for name in named if name != self.owner or len(named) == 1}
            if not any(isinstance(value, str) and value != self.mine.get(name) for name, value in values.items()):
                continue
            name = f"{self.name}.{'+'.join(values)}"
            if may_insert:
                insert = _insert(self.name, {**fresh, **values})
                yield Hostile(f"{name}: insert", insert)
                yield Hostile(f"{name}: insert unless there", f"{insert} ON CONFLICT DO NOTHING")
            if all(column.may_update for column in self.columns if column.name in values):
                changes = ", ".join(f"{each} = {literal(value)}" for each, value in values.items())
                own = f"{self.owner} = {literal(self.mine[self.owner])}"
                yield Hostile(f"{name}: update", f"UPDATE {self.name} SET {changes} WHERE {own}")

    def _fresh(self, column: Column) -> object:
        """The attacker's own value, another one where it must be unique."""
        value = self.mine.get(column.name)
        if not column.is_key or column.name in (self.owner, "kind"):  # another kind might be refused for itself
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return value + 1_000_000
        if column.type == "bytea":
            return "\\x" + "ab" * 32
        return missing_like(value) if isinstance(value, str) and column.type in _NAMES else value


def tables(connection: Connection, world: World, role: str) -> tuple[list[Table], list[str]]:
    """Every table with rows of the victim's, and the names of tenants' tables of which she has none."""
    columns: dict[str, list[Column]] = {}
    wholes: dict[str, str] = {}
    for row in connection.execute(text(_COLUMNS), {"role": role, "partitions": _partitions(connection, world)}):
        wholes[row.table] = row.whole
        columns.setdefault(row.table, []).append(
            Column(row.column, row.type, row.is_key, row.may_insert, row.may_update)
        )
    keys: dict[str, list[tuple[str, ...]]] = {}
    for row in connection.execute(text(_KEYS)):
        keys.setdefault(row.table, []).append(tuple(row.columns))
    found, without = [], []
    for name, those in columns.items():
        hers, mine, owner = _rows(world, wholes[name], {column.name for column in those})
        if hers is None:
            without += [name] if owner == "tenant_id" else []
        elif owner is not None:
            found.append(
                Table(name, tuple(those), tuple(keys.get(name, ())), owner, hers, mine or _renamed(hers, world))
            )
    return found, without


def _partitions(connection: Connection, world: World) -> list[str]:
    """Those that hold rows of the victim's: their names are no secret, and somebody may ask them directly."""
    wholes = connection.execute(text("SELECT partrelid::regclass::text FROM pg_partitioned_table")).scalars()
    return [
        name
        for whole in wholes
        for name in connection.execute(
            text(f"SELECT DISTINCT tableoid::regclass::text FROM {whole} WHERE tenant_id = :hers"),
            {"hers": world.victim_id},
        ).scalars()
    ]


def function_calls(connection: Connection, loot: Loot) -> Iterator[Hostile]:
    """Every SECURITY DEFINER function with each kind of value of hers."""
    named = loot.named
    by_type: Mapping[str, tuple[str, ...]] = {
        "text": (
            named["email"],
            named["customer_id"],
            named["invoice_id"],
            named["stripe_invoice_id"],
            named["number"],
        ),
        "uuid": loot.uuids,
        "bytea": tuple(f"\\x{value.encode().hex()}" for value in (named["session_id"], named["user_id"])),
        "double precision": ("900",),
        "boolean": ("true",),
        "date": ("2026-01-01",),
        "": ("",),
    }
    for function in connection.execute(text(_FUNCTIONS)):
        first, *others = function.types or [""]
        for value in by_type[first]:
            given = [literal(value), *(literal(by_type[each][0]) for each in others)]
            arguments = ", ".join(given) if function.types else ""
            call = f"SELECT * FROM public.{function.name}({arguments})"
            yield Hostile(f"{function.name}({value})", call)
            yield Hostile(f"{function.name}({value}), shadowed", f"{_SHADOWS}; {call}")


def _rows(world: World, table: str, columns: set[str]) -> tuple[Row | None, Row | None, str | None]:
    """A row of the victim's, one of the attacker's, and the column that tells them apart."""
    owners = {"tenants": "id", "users": "id"}
    owner = owners.get(table) or next((name for name in ("tenant_id", "user_id") if name in columns), None)
    of_user = owner == "user_id" or table == "users"
    hers = str(world.victim.user_id if of_user else world.victim_id)
    mine = str(world.rival.user_id if of_user else world.rival_id)
    rows = world.before.tables[table].values()
    newest = {row[owner]: row for row in rows} if owner else {}
    return newest.get(hers), newest.get(mine), owner


def _renamed(hers: Row, world: World) -> Row:
    """Her row as if it were the attacker's, with nobody's ids."""
    mine = {str(world.victim.user_id): str(world.rival.user_id), str(world.victim_id): str(world.rival_id)}
    return {
        name: mine.get(value) or missing_like(value) if isinstance(value, str) and _is_name(name) else value
        for name, value in hers.items()
    }


def _is_name(column: str) -> bool:
    return column == "id" or column.endswith(("_id", "key", "email"))


def _insert(table: str, row: Mapping[str, object]) -> str:
    columns = ", ".join(f'"{name}"' for name in row)
    return (
        f"INSERT INTO {table} ({columns}) SELECT {columns} "
        f"FROM jsonb_populate_record(NULL::{table}, {literal(json.dumps(row))}::jsonb)"
    )


def _of(condition: str) -> str:
    return f"t.{condition}"
