"""Twenty tenants whose requests share a few connections, and what goes wrong in the middle of them."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any
from uuid import UUID

from apiflask import APIFlask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from portal import config, tenancy
from portal.extensions import db
from portal.security.people import add_member
from tests.pages import rows
from tests.support import people, shopping
from tests.support.people import Person

TENANTS = 20
ABORTED = 0.08  # of all requests, by chance
AT_LEAST_ABORTED = 0.05
_CANARY = re.compile(r"Canary-(\d\d)")
_ASLEEP = "SELECT pg_sleep(20)"


@dataclass(frozen=True)
class Regular:
    """A tenant of the crowd; whatever is hers says ``Canary-<number>``."""

    number: str
    tenant_id: UUID
    person: Person
    invoice_id: UUID

    @property
    def canary(self) -> str:
        return f"Canary-{self.number}"


class Abort(Exception):
    """A handler that fails half-way."""


@dataclass
class Tally:
    """What happened: how many requests of each kind ended how, what was seen of others, and who saw nothing."""

    done: Counter[str] = field(default_factory=Counter)
    foreign: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def count(self, kind: str) -> None:
        """One request that showed nothing."""
        with self._lock:
            self.done[kind] += 1

    def note(self, kind: str, seen: Iterable[str], regular: Regular | None) -> None:
        """``seen``: texts of an answer to this tenant; to nobody when ``None``."""
        numbers = {number for text in seen for number in _CANARY.findall(text)}
        strange = numbers - ({regular.number} if regular else set())
        with self._lock:
            self.done[kind] += 1
            if strange:
                self.foreign.append(f"{kind} of {regular and regular.canary} shows {sorted(strange)}")

    def note_own(self, kind: str, seen: list[str], regular: Regular) -> None:
        """The same of an answer that has to hold what is this tenant's own: seeing nobody's things is not enough."""
        self.note(kind, seen, regular)
        if not any(regular.canary in text for text in seen):
            with self._lock:
                self.blind.append(f"{kind} of {regular.canary} shows {seen}")


def settle(settings: config.Settings, app: APIFlask) -> list[Regular]:
    """Make the tenants, with an owner and two invoices each."""
    with app.app_context():
        made = []
        for index in range(TENANTS):
            canary = f"Canary-{index:02}"
            person = people.user(name=f"{canary} Owner")
            tenant_id = shopping.make_tenant(f"{canary} Ltd")
            add_member(tenant_id, person.user_id, "owner")
            made.append((canary, tenant_id, person))
    with rows.written(settings) as session:
        for canary, tenant_id, _ in made:
            rows.invoice(session, tenant_id, f"{canary}-0001")
        invoices = [rows.invoice(session, tenant_id, f"{canary}-0002").id for canary, tenant_id, _ in made]
    return [
        Regular(canary[-2:], tenant_id, person, invoice_id)
        for (canary, tenant_id, person), invoice_id in zip(made, invoices, strict=True)
    ]


@contextmanager
def killer(settings: config.Settings) -> Iterator[None]:
    """Cancels, and now and then ends, whoever sleeps: as an operator or a restarting pooler would."""
    over = Event()
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def strike() -> None:
        with engine.connect() as connection:
            for turn in range(1_000_000):
                if over.wait(0.02):
                    return
                act = "pg_terminate_backend" if turn % 2 else "pg_cancel_backend"
                found = "FROM pg_stat_activity WHERE query = :query AND datname = current_database()"
                connection.execute(text(f"SELECT {act}(pid) {found}"), {"query": _ASLEEP})

    thread = Thread(target=strike)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def abort(how: str) -> None:
    """Make the current transaction fail in one of the ways in :data:`WAYS`."""
    if how == "exception":
        raise Abort
    statements = {
        "error": "SELECT 1 / 0",
        "cancelled by itself": "SELECT pg_cancel_backend(pg_backend_pid())",
        "terminated": "SELECT pg_terminate_backend(pg_backend_pid())",
        "cancelled or terminated by another": _ASLEEP,
    }
    db.session.connection().exec_driver_sql(statements[how])


WAYS = ("exception", "error", "cancelled by itself", "terminated", "cancelled or terminated by another")


def run_all(requests: int, threads: int, one: Callable[[random.Random], None], seed: int) -> None:
    """Make ``requests`` requests on some threads; each thread has its own random order. Raises what one raises."""

    def several(number: int) -> None:
        chance = random.Random(f"{seed}-{number}")
        for _ in range(requests // threads):
            one(chance)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(several, range(threads)))


def ask_database(app: APIFlask, regular: Regular, chance: random.Random, tally: Tally) -> None:
    """One request at the level of transactions: what a bound session sees, and an unbound one right after it."""
    how = chance.choice(WAYS) if chance.random() < ABORTED else ""
    kind = chance.choice(("reads", "writes", "looks at itself"))
    with app.app_context():
        try:
            with tenancy.bound(regular.tenant_id, user_id=regular.person.user_id):
                tally.note_own(kind, _seen(kind), regular)
                if how:
                    abort(how)
                db.session.commit()
                tally.note_own("after its commit", _seen("reads"), regular)
        except (Abort, DBAPIError):
            tally.count(f"aborted: {how}")
        except PoolTimeout:  # more threads than connections, and the pool knows no queue
            tally.count("turned away")
        if chance.random() < ABORTED or how:
            _look_unbound(tally)


def _look_unbound(tally: Tally) -> None:
    with tenancy.bound(), suppress(PoolTimeout):
        tally.note("unbound", _seen("reads"), None)


def _seen(kind: str) -> list[str]:
    statements: dict[str, str] = {
        "reads": "SELECT number FROM invoices UNION ALL SELECT name FROM tenants UNION ALL SELECT name FROM users",
        "writes": "UPDATE tenants SET language = language RETURNING name",
        "looks at itself": "SELECT u.name FROM users u JOIN memberships m ON m.user_id = u.id",
    }
    found: Any = db.session.execute(text(statements[kind])).scalars()
    return list(found)
