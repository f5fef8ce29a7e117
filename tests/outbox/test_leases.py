"""One holder at a time, and what becomes of work that fails."""

import pytest
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.models import OutboxRow
from portal.outbox import dispatch, leases, registry, stage
from portal.outbox.work import Work
from tests.support import database
from tests.support.threads import app_of, side_by_side


def test_a_key_is_owed_once_for_ever(settings, worker, monkeypatch):
    """Eight at once, and again when it is long done: what money hangs on is done once."""
    done: list[str] = []
    monkeypatch.setitem(registry._handlers, "test.once", lambda work: done.append(work.key))

    def owe() -> None:
        app = app_of("worker", settings=settings)
        with app.app_context():
            stage("test.once", "test.once:1")
            db.session.commit()
            database.dispose(app)

    side_by_side(*[owe] * 8)
    for _again in range(2):
        with worker.app_context():
            while dispatch.run_next():
                pass
        owe()
    assert done == ["test.once:1"]


def test_eight_workers_claim_each_row_once(settings, worker):
    with worker.app_context():
        for number in range(40):
            stage("test.claim", f"test.claim:{number}")
        db.session.commit()
    claimed: list[str] = []

    def work() -> None:
        app = app_of("worker", settings=settings)
        with app.app_context():
            while (found := leases.claim()) is not None:
                claimed.append(found.key)
            database.dispose(app)

    side_by_side(*[work] * 8)
    assert sorted(claimed) == sorted(f"test.claim:{number}" for number in range(40))


def test_a_worker_that_lost_its_lease_cannot_commit(web, worker, tenant):
    """The slow worker's result is rolled back when somebody else has taken over."""
    with worker.app_context():
        stage("test.slow", "test.slow:1", tenant_id=tenant)
        db.session.commit()
        slow = leases.claim()
        database.expire_leases(worker.extensions["settings"])
        second = leases.claim()
        assert (second.key, second.attempts) == (slow.key, 2)
        with tenancy.bound(tenant):
            db.session.execute(text("UPDATE tenants SET name = 'written by the slow one'"))
            with pytest.raises(leases.LeaseLost):
                leases.finish(slow)
            db.session.rollback()
            leases.finish(second)
            db.session.commit()
            assert db.session.scalar(text("SELECT name FROM tenants")) == "Acme Corp"


def test_failing_work_comes_back_later_and_is_given_up_in_the_end(worker, monkeypatch):
    def broken(_work: Work) -> None:
        raise RuntimeError("as always")

    monkeypatch.setitem(registry._handlers, "test.broken", broken)
    with worker.app_context():
        stage("test.broken", "test.broken:1")
        db.session.commit()
        for _try in range(leases.MAX_ATTEMPTS):
            assert dispatch.run_next()
            assert not dispatch.run_next()  # it waits
            database.let_time_pass(worker.extensions["settings"])
        row = db.session.scalars(select(OutboxRow).where(OutboxRow.key == "test.broken:1")).one()
        assert row.dead_at is not None
        assert "as always" in row.last_error
        db.session.rollback()
    with worker.app_context(), tenancy.reader_session() as session:
        assert session.scalar(text("SELECT count(*) FROM drift_findings WHERE kind = 'dead_work'")) == 1
