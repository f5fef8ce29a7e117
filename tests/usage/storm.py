"""Writers report usage, a third of it twice, while servers and workers are killed: each event counts once.

Meanwhile plans change, months are split by it, and the month before is closed.

``python -m tests.usage.storm --seed N``: 50 writers of 20,000 events each. A small one is part of the suite.
"""

import argparse
import gzip
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import requests

from portal import tenancy
from portal.app import create_app
from portal.usage import verify as sums
from tests.faults import machine
from tests.faults.machine import Machine
from tests.support import database, keys
from tests.usage import changes

REPEATED = 0.3
LARGEST_BATCH = 1_000
SINGLES = 0.1  # of all requests
TRY_AGAIN_SECONDS = (0.05, 0.5)
PATIENCE_SECONDS = 300
KILLED = {"request": 3, "web": 1, "postgres": 3, "worker": 3}
RESOURCES = ("api_calls", "storage_gb", "users")
LEVELS = frozenset({"storage_gb", "users"})
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Writer:
    """One that reports, with a key of its tenant; others of the same tenant repeat its events, too."""

    number: int
    tenant_id: UUID
    token: str
    siblings: Sequence[int]


@dataclass
class Storm:
    """``kills`` while each of ``writers`` reports ``events``, by the chance of ``seed``."""

    machine: Machine
    writers: int
    events: int
    kills: int
    seed: int
    tenants: int = 10
    say: Callable[[str], None] = print
    killed: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    _began: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    _reported: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def distinct(self) -> int:
        """How many different events a writer has; the others of its reports are repeats."""
        return self.events - int(self.events * REPEATED)

    def rage(self) -> None:
        """The whole storm, and its result looked at. Raises AssertionError for whatever is wrong."""
        self.say(f"seed {self.seed}: {self.writers} writers × {self.events:,} events, {self.kills} kills")
        writers = self._settled()
        self.machine.watch()
        began = time.monotonic()
        going_on = self.machine.portal.settings, self._tenants(writers), self.seed, self._over, self.changed
        with ThreadPoolExecutor(self.writers + 2) as pool:
            others = [pool.submit(self._kill), pool.submit(changes.go_on, *going_on)]
            try:
                list(pool.map(self._report, writers))
            finally:
                self._over.set()
            for each in others:
                each.result()
        self.say(f"reported in {time.monotonic() - began:.0f} s: {dict(self.answered)}, {self.retries} requests again")
        self.say(f"killed: {dict(self.killed)}; meanwhile: {dict(self.changed)}")
        self.machine.portal.await_health()
        self.machine.end()
        for name in ("worker", "ticker"):  # what they have not done yet must not be done between two looks
            self.machine.kill(name)
        self._verify(writers)

    @staticmethod
    def _tenants(writers: Sequence[Writer]) -> list[UUID]:
        return list(dict.fromkeys(writer.tenant_id for writer in writers))

    def _settled(self) -> list[Writer]:
        """Tenants with a plan, and each writer with a key of its own."""
        settings = self.machine.portal.settings
        ids = [tenant_id for _ in range(self.tenants) if (tenant_id := self.machine.portal.person().tenant_id)]
        changes.settled(settings, ids)
        app, made = create_app("web", settings=settings), []
        with app.app_context():
            for number in range(self.writers):
                tenant_id = ids[number % self.tenants]
                with tenancy.bound(tenant_id):
                    token = keys.made()
                made.append(Writer(number, tenant_id, token, range(number % self.tenants, self.writers, self.tenants)))
            database.dispose(app)
        return made

    def event(self, writer: int, number: int) -> Event:
        """The same one whoever reports it, and however often."""
        chance = random.Random(f"{self.seed}-{writer}-{number}")
        at = self._began - timedelta(seconds=chance.randrange(3_600))
        return {
            "event_id": f"{writer}-{number}",
            "resource_type": chance.choice(RESOURCES),
            "quantity": f"{chance.randrange(1, 10**6)}.{chance.randrange(10**6):06}",
            "timestamp": at.isoformat(),
            "source": f"source-{chance.randrange(3)}",
        }

    def _batches(self, writer: Writer) -> Iterator[list[Event]]:
        """Its own events in order, between them repeats of what it and its siblings have or will have reported."""
        chance = random.Random(f"{self.seed}-{writer.number}")
        order = [(writer.number, number) for number in range(self.distinct)]
        for _ in range(self.events - self.distinct):
            order.insert(
                chance.randrange(len(order)), (chance.choice(writer.siblings), chance.randrange(self.distinct))
            )
        while order:
            count = 1 if chance.random() < SINGLES else chance.randint(1, LARGEST_BATCH)
            yield [self.event(*each) for each in order[:count]]
            del order[:count]

    def _report(self, writer: Writer) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {writer.token}"
            for batch in self._batches(writer):
                statuses = self._answered(session, batch)
                assert len(statuses) == len(batch)
                with self._lock:
                    self.answered.update(statuses)
                    self._reported += len(batch)

    def _answered(self, session: requests.Session, batch: Sequence[Event]) -> list[str]:
        """What became of each; asked again until there is an answer, as an integration does."""
        chance, until = random.Random(), time.monotonic() + PATIENCE_SECONDS
        path, headers, body = _request(batch, packed=len(batch) % 2 == 0)
        while True:
            try:
                answer = session.post(f"{self.machine.portal.url}{path}", data=body, headers=headers, timeout=30)
                if answer.status_code < 500:
                    assert answer.status_code in (200, 201), answer.text
                    told = answer.json()
                    return [each["status"] for each in told.get("items", [told])]
                what = answer.text[:200]
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                what = str(error)
            assert time.monotonic() < until, what
            with self._lock:
                self.retries += 1
            time.sleep(chance.uniform(*TRY_AGAIN_SECONDS))

    def _kill(self) -> None:
        """Spread over the reports; what has not come back yet is not hit again."""
        chance, names = random.Random(self.seed), list(KILLED)
        while self.killed.total() < self.kills:
            step = (self.killed.total() + chance.random()) * self.writers * self.events / self.kills
            while self._reported < step and not self._over.is_set():
                time.sleep(0.02)
            if self._over.is_set():
                return
            name = chance.choices(names, [KILLED[name] for name in names])[0]
            if self.machine.kill(name):
                self.killed[name] += 1

    def _verify(self, writers: Sequence[Writer]) -> None:
        assert self.killed.total() == self.kills, f"only {self.killed.total()} were killed"
        assert set(self.answered) <= {"accepted", "late", "duplicate"}, self.answered
        assert self.answered.total() == self.writers * self.events
        counted = self.answered["accepted"] + self.answered["late"]
        assert counted <= self.writers * self.distinct, "an event was accepted twice"
        app = create_app("web", settings=self.machine.portal.settings)
        with app.app_context():
            for tenant_id in self._tenants(writers):
                with tenancy.bound(tenant_id):
                    assert sums.differences() == [], "sums are not what the events add up to"
                    assert [*sums.values(), *sums.holes()] == []
            database.dispose(app)
        charged = "SELECT DISTINCT tenant_id FROM usage_charges"
        closed = database.as_owner(self.machine.portal.settings, charged)
        assert len(closed) == self.tenants, "the month before was not closed meanwhile"
        by_tenant = {writer.tenant_id: writer for writer in writers}
        for tenant_id, writer in by_tenant.items():
            self._verify_tenant(tenant_id, writer)
        self.say(f"right: {self.writers * self.distinct:,} events of {len(by_tenant)} tenants, once each")

    def _verify_tenant(self, tenant_id: UUID, writer: Writer) -> None:
        reported = [self.event(number, each) for number in writer.siblings for each in range(self.distinct)]
        for table in ("usage_events", "usage_keys"):
            stored = f"SELECT event_id FROM {table} WHERE tenant_id = '{tenant_id}'"  # noqa: S608
            found = [row["event_id"] for row in database.as_owner(self.machine.portal.settings, stored)]
            assert sorted(found) == sorted(each["event_id"] for each in reported), f"{table}: lost or doubled"
        for name, quantity in self._used_now(tenant_id, reported).items():
            answer = requests.get(
                f"{self.machine.portal.url}/api/v1/usage/permission",
                {"resource_type": name, "quantity": "0"},
                headers={"Authorization": f"Bearer {writer.token}"},
                timeout=30,
            )
            told = json.loads(answer.text, parse_float=Decimal, parse_int=Decimal)
            assert told["used"] == quantity, (name, told, quantity)
            limit = told["limit"]
            is_over = name not in LEVELS and limit is not None and quantity > limit
            assert told["allowed"] is not is_over, (name, told)

    def _used_now(self, tenant_id: UUID, reported: Sequence[Event]) -> dict[str, Decimal]:
        """What was used, by resource, in the period that runs; each event lies in the one that holds it."""
        settings = self.machine.portal.settings
        stored = f"""SELECT event_id, period_id, counted_at, starts_at, ends_at, ends_at > now() AS runs
            FROM usage_events e JOIN usage_periods p ON (p.tenant_id, p.id) = (e.tenant_id, e.period_id)
            WHERE e.tenant_id = '{tenant_id}'"""  # noqa: S608
        found = {row["event_id"]: row for row in database.as_owner(settings, stored)}
        assert all(row["starts_at"] <= row["counted_at"] < row["ends_at"] for row in found.values())
        used = dict.fromkeys(RESOURCES, Decimal(0))
        for each in reported:
            name, quantity = each["resource_type"], Decimal(each["quantity"])
            if found[each["event_id"]]["runs"]:
                used[name] = max(used[name], quantity) if name in LEVELS else used[name] + quantity
        return used


def _request(batch: Sequence[Event], *, packed: bool) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body in one of the forms that integrations use."""
    if len(batch) == 1:
        return "/api/v1/usage", {"Content-Type": "application/json"}, json.dumps(batch[0]).encode()
    if packed:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return "/api/v1/usage/batch", headers, gzip.compress(json.dumps(batch).encode(), 1)
    lines = "\n".join(json.dumps(event) for event in batch)
    return "/api/v1/usage/batch", {"Content-Type": "application/x-ndjson"}, lines.encode()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.usage.storm", description=__doc__)
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--tenants", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    with machine.running() as running:
        Storm(running, given.writers, given.events, given.kills, given.seed, given.tenants, say=_say).rage()
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
