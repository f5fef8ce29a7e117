"""Work that ends whoever takes it: given up after a while, so that the rest is done."""

import os
import signal

import pytest
from apiflask import APIFlask

from jobs.drain import drain
from portal.config import Settings
from portal.leasing import MAX_LAPSES
from portal.mirror import dispatch as mirror
from portal.outbox import Work, registry
from tests.faults import forks
from tests.support import database


def _die(_anything: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _draining(_app: APIFlask, report: forks.Report) -> None:
    report(done=drain())


def _owner(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in database.as_owner(settings, statement)]


def _workers_until_one_survives(worker: APIFlask, settings: Settings) -> int:
    """How many die, each a new process after the lease of the one before."""
    for died in range(MAX_LAPSES + 5):
        if forks.run(worker, _draining).code == 0:
            return died
        database.expire_leases(settings)
    raise AssertionError("the row kills every worker")


def test_a_row_that_kills_its_worker_is_given_up(worker, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setitem(registry._handlers, "test.poison", _die)
    monkeypatch.setitem(registry._handlers, "test.harmless", lambda work: done.append(work.key))
    _owner(
        settings,
        "INSERT INTO outbox (id, kind, key, payload, next_at) VALUES"
        " (gen_random_uuid(), 'test.poison', 'poison', '{}', now() - interval '2 minutes'),"
        " (gen_random_uuid(), 'test.harmless', 'harmless', '{}', now() - interval '1 minute')",
    )
    assert _workers_until_one_survives(worker, settings) == MAX_LAPSES
    rows = _owner(settings, "SELECT key, done_at IS NOT NULL AS done, dead_at IS NOT NULL AS dead FROM outbox")
    assert set(rows) == {("poison", False, True), ("harmless", True, False)}
    assert _owner(settings, "SELECT kind, object_id FROM drift_findings") == [("dead_work", "poison")]


def test_a_death_by_chance_is_not_counted_for_ever(worker, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_work: Work) -> None:
        raise RuntimeError("as always")

    monkeypatch.setitem(registry._handlers, "test.unlucky", fail)
    _owner(
        settings,
        "INSERT INTO outbox (id, kind, key, payload, lease_token, lease_until, lapses) VALUES"
        " (gen_random_uuid(), 'test.unlucky', 'unlucky', '{}', gen_random_uuid(), now(), 8)",
    )
    for expected in (9, 0):
        assert forks.run(worker, _draining).code == 0
        assert _owner(settings, "SELECT lapses FROM outbox WHERE key = 'unlucky'") == [(expected,)]
        _owner(settings, "UPDATE outbox SET next_at = now()")


def test_an_object_that_kills_its_reader_is_parked(worker, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_mirror", _die)
    _owner(settings, "INSERT INTO stripe_objects (id, kind, wanted) VALUES ('in_poison', 'invoice', 1)")
    assert _workers_until_one_survives(worker, settings) == MAX_LAPSES
    assert _owner(settings, "SELECT parked_at IS NOT NULL FROM stripe_objects") == [(True,)]
    assert _owner(settings, "SELECT kind, object_id FROM drift_findings") == [("parked_object", "in_poison")]
