"""SQL of an attacker on the portal's own roles: nothing of another tenant is seen, written or inferred."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from portal import config, tenancy
from portal.app import create_app
from portal.extensions import db
from tests.isolation import by_hand, loot
from tests.isolation.catalogue import Hostile, function_calls, tables
from tests.isolation.exchange import Values
from tests.isolation.hostile import Attacker, Outcome, shown
from tests.isolation.loot import Loot, missing_like
from tests.isolation.snapshots import Change, unexplained
from tests.isolation.world import TENANT_NAME, World
from tests.support import database

AT_LEAST = 150
# Of no tenant, and the web role may add to them.
NOTED = frozenset({"drift_findings", "login_attempts", "outbox", "stripe_events", "stripe_objects"})
# What the definer function may change of an object's row, whoever's it is: "look at this again".
WANTED = frozenset({"wanted", "next_at", "parked_at", "attempts"})
_GLOBAL = "unique over the installation: the name is taken, by whom is not told"
_UNGUESSABLE = "nobody can guess the id that is found to be taken"
_EXPLAIN = "EXPLAIN ANALYZE counts the rows that row-level security removed, of keys that are not tenant-first"
# Answers that tell without showing, and why they stay. Whoever may send any SQL at all could bind the other tenant
# instead (see below).
KNOWN_LIMITS = {
    "email_addresses.email: insert": _GLOBAL,
    "tenant_slugs.slug: insert": _GLOBAL,
    "stripe_customers.customer_id: insert": _GLOBAL,
    "drift_findings.id: insert": _UNGUESSABLE,
    "outbox.id: insert": _UNGUESSABLE,
    "user_sessions.id: insert": _UNGUESSABLE,
    "user_sessions.id: update": _UNGUESSABLE,
    "outbox: explain": _EXPLAIN,
    "tenants: explain": _EXPLAIN,
    "users: explain": _EXPLAIN,
    "user_sessions: explain": _EXPLAIN,
    "reading: EXPLAIN (ANALYZE, VERBOSE": _EXPLAIN,
}
# The one that shows: to whoever has bound nobody and knows the address, the user's id, hash and role.
SHOWS = {"unbound find_user_by_email(": "sign-in asks by the address before anybody is known, and needs the hash"}
REFUSED = "42501"
NO_PARENT = "42809"  # nobody inherits from a partitioned table or a partition
# Statements of Table.statements() that only read: staff may.
READING = (
    "read", "count", "read by tenant", "read all", "divide by zero", "divide in a predicate", "fail with the value",
    "fail with hers", "copy", "view", "explain", "row_security off",
)  # fmt: skip
# Which the worker serves, whoever's they are.
OF_ALL_TENANTS = frozenset(
    {"drift_findings", "outbox", "stripe_customers", "users", "user_sessions", "password_resets"}
)
# Roles belong to the cluster, not to this database: what they allow themselves is undone here, and stated below.
NOT_KEPT = "roles: "


class Inquiry:
    """Puts statements about the victim's things beside the same about nobody's."""

    def __init__(self, found: Loot, attacker: Attacker) -> None:
        nobodys = {value: missing_like(value) for value in found.values}
        self._nobodys = Values(nobodys)
        self._sent = Values(dict.fromkeys((*found.values, *nobodys.values()), ""))
        self._marks = found.marks
        self._attacker = attacker
        self.faults: list[str] = []
        self.limits: set[str] = set()
        self.count = 0

    def ask(self, hostile: Hostile, bound: Mapping[str, UUID]) -> None:
        """One statement, undone, and its twin."""
        self.count += 1
        outcome = self._attacker.run(hostile.sql, bound)
        twin = self._attacker.run(self._nobodys.swapped_in(hostile.sql), bound)
        seen = shown(outcome, self._marks, hostile.sql)
        if not seen and self._plain(outcome) == self._plain(twin):
            return
        name = hostile.name if bound else f"unbound {hostile.name}"
        known = [limit for limit in SHOWS if name.startswith(limit)]
        if not seen:
            known += [limit for limit in KNOWN_LIMITS if hostile.name.startswith(limit)]
        if known:
            self.limits.update(known)
        else:
            self.faults.append(f"{name} shows {seen} or tells: {outcome} instead of {twin}: {hostile.sql[:300]}")

    def _plain(self, outcome: Outcome) -> Outcome:
        removed = self._sent.removed_from
        return Outcome(outcome.sqlstate, outcome.counts, tuple(map(removed, outcome.rows)), removed(outcome.message))


def owner(world: World) -> Connection:
    return create_engine(world.settings.role_url("owner"), poolclass=NullPool).connect()


@pytest.fixture(name="statements")
def fixture_statements(world: World) -> list[Hostile]:
    """All statements for the web role: by table, by function, by hand."""
    roles = {name: world.settings.role_name(name) for name in ("lookup", "staff", "reader", "backup", "worker")}
    roles["owner"] = str(world.settings.role_url("owner").username)
    found = loot.of(world)
    with owner(world) as connection:
        of_tables, without_rows = tables(connection, world, world.settings.role_name("web"))
        assert without_rows == [], "the victim has no row in these; give her one in _plant(), tests/isolation/world.py"
        made = [each for table in of_tables for each in table.statements()]
        made += function_calls(connection, found)
    return [*made, *by_hand.statements(found, roles)]


def bindings(world: World) -> list[Mapping[str, UUID]]:
    """The attacker's own tenant, and none."""
    return [{"tenant_id": world.rival_id, "user_id": world.rival.user_id}, {}]


def test_the_web_role_sees_and_infers_nothing_of_another_tenant(world: World, statements: list[Hostile]) -> None:
    """Each statement says of her things what it says of nobody's: same code, same count, same words."""
    with Attacker(world.settings) as attacker:
        inquiry = Inquiry(loot.of(world), attacker)
        for bound in bindings(world):
            for hostile in statements:
                inquiry.ask(hostile, bound)
    by_hand_alone = len(list(by_hand.lines()))
    print(f"\n{len(statements)} hostile statements, {by_hand_alone} of them by hand, {inquiry.count} times run")
    assert inquiry.faults == [], "\n".join(inquiry.faults)
    assert inquiry.limits == {*KNOWN_LIMITS, *SHOWS}, "a limit that is none any more has to leave the list"
    assert by_hand_alone >= AT_LEAST


def test_the_web_role_writes_nothing_of_another_tenant(world: World, statements: list[Hostile]) -> None:
    """The same, committed wherever PostgreSQL lets it."""
    own = {str(world.rival_id), str(world.rival.user_id)}

    def is_harmless(change: Change) -> bool:
        row = change.row
        # What pages may owe, note or report without a tenant they may still do; it names nobody who could be read.
        is_platforms = change.before is None and row.get("tenant_id") is None and change.table in NOTED
        is_own = {row.get("tenant_id"), row.get("user_id"), row.get("id")} & own
        return bool(is_own) or is_platforms or (change.table == "stripe_objects" and change.columns <= WANTED)

    with world.copied() as copy, Attacker(copy.settings) as attacker:
        before = copy.take()
        for bound in bindings(world):
            for hostile in (each for each in statements if not each.name.startswith(NOT_KEPT)):
                attacker.run(hostile.sql, bound, keep=True)
        assert unexplained(before.changes_to(copy.take()), is_harmless) == []


@pytest.mark.parametrize("role", ["staff", "reader"])
def test_who_reads_all_tenants_writes_nothing(world: World, role: config.Role) -> None:
    with owner(world) as connection:
        writing = [
            each
            for table in tables(connection, world, world.settings.role_name(role))[0]
            for each in table.statements()
            if not each.name.endswith(READING)
        ]
    with world.copied() as copy, Attacker(copy.settings, role) as attacker:
        before = copy.take()
        outcomes = {each.name: attacker.run(each.sql, {}, keep=True).sqlstate for each in writing}
        assert before.changes_to(copy.take()) == []
    assert len(outcomes) > AT_LEAST
    refused = {REFUSED, NO_PARENT}
    assert {name: code for name, code in outcomes.items() if code not in refused} == {}


def test_a_worker_bound_to_one_tenant_touches_no_other(world: World) -> None:
    """It reads inbox, outbox and findings of all; a tenant's own tables only while that tenant is bound."""
    with owner(world) as connection:
        found = tables(connection, world, world.settings.role_name("worker"))[0]
    statements = [each for table in found if table.name not in OF_ALL_TENANTS for each in table.statements()]
    with Attacker(world.settings, "worker") as attacker:
        inquiry = Inquiry(loot.of(world), attacker)
        for bound in bindings(world):
            for hostile in statements:
                inquiry.ask(hostile, bound)
    assert inquiry.faults == [], "\n".join(inquiry.faults)
    with world.copied() as copy, Attacker(copy.settings, "worker") as attacker:
        before = {(table, str(row)) for table, row in copy.take().of_tenant(world.victim_id)}
        for hostile in statements:
            attacker.run(hostile.sql, bindings(world)[0], keep=True)
        assert {(table, str(row)) for table, row in copy.take().of_tenant(world.victim_id)} == before


def test_what_row_level_security_does_not_stop(world: World) -> None:
    """Known limits, stated so that nobody counts on more: it stops forgotten filters, not injected SQL."""
    bound, hers = bindings(world)[0], {"tenant_id": world.victim_id}
    with Attacker(world.settings) as attacker, Attacker(world.settings) as another:
        # Whoever sends SQL on the web role can bind any tenant whose id is known.
        bind, names = f"SET LOCAL app.tenant_id = '{world.victim_id}'", "SELECT name FROM tenants"
        assert TENANT_NAME in attacker.run(f"{bind}; {names}", bound).text
        # All requests share the role, so that each sees the others' statements while they run: what people typed
        # is a parameter there, the tenant's id is not.
        statements = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        running = another.run(f"{bind}; {statements}", hers)
        assert str(world.victim_id) in running.text
        # A role may store defaults for itself, though none of ours: the portal's connections bring their own.
        assert attacker.run("ALTER ROLE CURRENT_USER SET row_security = off", bound).sqlstate == "ok"
        assert attacker.run("ALTER ROLE CURRENT_USER SET app.tenant_id = 'x'", bound).sqlstate == REFUSED
        # How many rows a table has over all tenants is not secret.
        assert attacker.run("SELECT reltuples FROM pg_class WHERE relname = 'invoices'", bound).sqlstate == "ok"


def test_stored_defaults_bind_nobody(world: World) -> None:
    """What somebody stored for the role or the database must not be every connection's tenant."""
    name = world.settings.role_url("owner").database
    stored = {
        "app.tenant_id": f"'{world.victim_id}'",
        "app.user_id": f"'{world.victim.user_id}'",
        "row_security": "off",
    }
    with owner(world).execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting, value in stored.items():
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET {setting} = {value}')
        try:
            app = create_app("web", settings=world.settings)
            with app.app_context(), tenancy.bound():
                seen = db.session.execute(text("SELECT id FROM tenants UNION ALL SELECT id FROM users")).all()
            with app.app_context():
                database.dispose(app)
        finally:
            for setting in stored:
                connection.exec_driver_sql(f'ALTER DATABASE "{name}" RESET {setting}')
    assert seen == []
