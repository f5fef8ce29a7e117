"""Kinds whose works share a transaction: each is done once, whatever becomes of its batch."""

from collections import Counter
from uuid import UUID, uuid4

import pytest
from apiflask import APIFlask
from sqlalchemy import create_engine, insert, select, text, update

from portal import tenancy
from portal.config import Settings
from portal.extensions import db
from portal.models import DriftFinding, OutboxRow
from portal.outbox import Work, batches, dispatch, handler, leases
from portal.outbox.staging import stage

KIND = "test.batched"
KEYS = [f"{KIND}:{number}" for number in range(40)]


class Spoiled(Exception):
    """What the handler raises for works that say so."""


@handler(KIND, batched=True)
def note(work: Work) -> None:
    """Leave a row behind, so that doing it twice can be seen."""
    assert tenancy.current().tenant_id == work.tenant_id
    db.session.execute(insert(DriftFinding).values(id=uuid4(), kind=KIND, object_id=work.key))
    if work.payload.get("spoiled"):
        raise Spoiled


@pytest.fixture(autouse=True)
def fixture_worker(worker: APIFlask):
    with worker.app_context():
        yield


def _stage(keys: list[str], *, tenant_id: UUID | None = None, **payload: bool) -> None:
    tenancy.fresh()
    for key in keys:
        stage(KIND, key, tenant_id=tenant_id, payload=payload)
    db.session.commit()


def _noted(settings: Settings) -> Counter[str]:
    engine = create_engine(settings.role_url("owner"))
    with engine.connect() as connection:
        found = connection.execute(select(DriftFinding.object_id).where(DriftFinding.kind == KIND)).scalars().all()
    engine.dispose()
    return Counter(found)


def _work_off() -> list[int]:
    return list(iter(dispatch.run_next, 0))


def test_a_batch_is_of_one_tenant_and_done_in_one_go(settings: Settings) -> None:
    tenant_id = uuid4()
    _stage(KEYS[:30])
    _stage(KEYS[30:], tenant_id=tenant_id)
    assert sorted(_work_off()) == [10, 30]
    assert _noted(settings) == Counter(KEYS)


def test_one_that_fails_spoils_nothing_for_the_others(settings: Settings) -> None:
    _stage(KEYS[:20])
    _stage(KEYS[20:21], spoiled=True)
    _stage(KEYS[21:])
    assert _work_off() == [40]
    assert _noted(settings) == Counter(key for key in KEYS if key != KEYS[20])
    row = db.session.execute(select(OutboxRow.attempts, OutboxRow.done_at).where(OutboxRow.key == KEYS[20])).one()
    assert row == (1, None)


def test_what_a_killed_worker_held_comes_back_and_is_done_singly(settings: Settings) -> None:
    _stage(KEYS)
    first = leases.claim()
    assert first is not None
    assert len(batches.claim_more(first)) == len(KEYS)
    assert _work_off() == [], "it is leased"
    db.session.execute(update(OutboxRow).values(lease_until=text("now() - interval '1 s'")))
    db.session.commit()
    assert _work_off() == [1] * len(KEYS)
    assert _noted(settings) == Counter(KEYS)


def test_a_batch_whose_lease_has_passed_on_leaves_nothing_behind(settings: Settings) -> None:
    _stage(KEYS)
    first = leases.claim()
    assert first is not None
    works = batches.claim_more(first)
    db.session.execute(update(OutboxRow).where(OutboxRow.key == KEYS[7]).values(lease_token=uuid4()))
    db.session.commit()
    assert batches.run(works) == 0
    assert _noted(settings) == Counter()


def test_what_there_is_no_time_for_is_given_back(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "SECONDS", 0.0)
    _stage(KEYS)
    assert dispatch.run_next() < len(KEYS)
    monkeypatch.undo()
    waiting = db.session.execute(
        select(OutboxRow.attempts, OutboxRow.lease_token).where(OutboxRow.done_at.is_(None))
    ).all()
    assert set(waiting) == {(0, None)}
    db.session.rollback()
    _work_off()
    assert _noted(settings) == Counter(KEYS)
