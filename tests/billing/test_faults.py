"""What breaks on the way, and how it heals: Stripe, Redis, workers."""

import threading
from dataclasses import replace
from uuid import UUID

import pytest
import requests
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import create_engine, func, select, text

from jobs.ticker import tick
from portal import tenancy
from portal.app import create_app
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.mirror import leases as wanted
from portal.models import Checkout, OutboxRow
from portal.outbox import dispatch, leases, registry, stage
from portal.outbox.wake import QUEUE, bell
from portal.outbox.work import Work
from tests.support import database
from tests.support.shopping import buy, land, make_tenant, start, step

SESSIONS = "POST /v1/checkout/sessions"


@pytest.fixture(name="fail")
def fixture_fail(stripe_sandbox):
    """Let the next matching call fail in a way of the control API."""
    yield lambda match, mode: stripe_sandbox.post("fail", match=match, mode=mode, times=1)
    requests.delete(f"{stripe_sandbox.url}/_sandbox/fail", json={}, timeout=20).raise_for_status()


def sessions_of(tenant_id: UUID) -> list[str]:
    listed = gateway().read(lambda s: s.v1.checkout.sessions.list({"limit": 100}))
    return [session.id for session in listed.data if session.metadata["tenant_id"] == str(tenant_id)]


@pytest.mark.parametrize("mode", ["429", "500", "connection_reset", "drop_after_effect"])
def test_an_unknown_answer_is_finished_by_a_worker(web, tenant, drain, fail, mode):
    fail(SESSIONS, mode)
    with pytest.raises(PaymentServiceUnavailable):
        start(tenant)
    drain()
    checkout = start(tenant)  # the next click
    assert checkout.state == "open"
    assert sessions_of(tenant) == [checkout.stripe_session_id]
    with tenancy.bound(tenant):
        assert db.session.scalar(select(func.count()).select_from(Checkout)) == 1


def test_a_refusal_ends_the_checkout_and_a_new_one_may_begin(web, tenant):
    _as_owner(web, "UPDATE plan_prices SET stripe_price_id = 'price_' || id WHERE plan_id = 'starter'")
    with pytest.raises(StripeRefused):
        start(tenant)
    with tenancy.bound(tenant):
        assert [row.state for row in db.session.scalars(select(Checkout))] == ["failed"]
    assert start(tenant, "professional").state == "open"


def test_stripe_away_while_mirroring(web, tenant, stripe_sandbox, drain, fail):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    fail("GET /v1/checkout/sessions/*", "500")
    land(tenant, checkout)
    drain()
    assert step(tenant, checkout) == "waiting"
    _let_time_pass(web)
    drain()
    assert step(tenant, checkout) == "active"


def test_without_redis_the_ticker_does_the_work(settings, stripe_sandbox):
    silent = replace(settings, redis_url="redis://127.0.0.1:1/0")
    app = create_app("web", settings=silent)
    with app.app_context():
        tenant_id = make_tenant()
        checkout = start(tenant_id)
        stripe_sandbox.pay(checkout.stripe_session_id)
        land(tenant_id, checkout)
        worker = create_app("worker", settings=silent)
        with worker.app_context():
            tick()
            database.dispose(worker)
        assert step(tenant_id, checkout) == "active"
        database.dispose(app)


def test_redis_wiped_with_work_pending(web, tenant, worker, stripe_sandbox):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    land(tenant, checkout)
    web.extensions["bell"].redis.flushdb()
    with worker.app_context():
        assert wanted.has_due()  # what the ticker sees every second, and rings for


def test_redis_wiped_while_a_worker_drains_leaves_no_error(worker, monkeypatch, caplog):
    """RQ finishes the job of a drain that Redis knows nothing of any more."""

    def wipe(_work: Work) -> None:
        bell().redis.flushdb()

    monkeypatch.setitem(registry._handlers, "test.wipe", wipe)
    with worker.app_context():
        bell().redis.flushdb()
        stage("test.wipe", "test.wipe:1")
        db.session.commit()
        queue = Queue(QUEUE, connection=bell().redis, serializer=JSONSerializer)
        SimpleWorker([queue], connection=bell().redis, serializer=JSONSerializer).work(burst=True)
        assert not leases.has_due()
        db.session.rollback()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_eight_workers_claim_each_row_once(settings, worker):
    with worker.app_context():
        for number in range(40):
            stage("test.claim", f"test.claim:{number}")
        db.session.commit()
    claimed: list[str] = []

    def work() -> None:
        app = create_app("worker", settings=settings)
        with app.app_context():
            while (found := leases.claim()) is not None:
                claimed.append(found.key)
            database.dispose(app)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(f"test.claim:{number}" for number in range(40))


def test_a_worker_that_lost_its_lease_cannot_commit(web, worker, tenant):
    """The slow worker's result is rolled back when somebody else has taken over."""
    with worker.app_context():
        stage("test.slow", "test.slow:1", tenant_id=tenant)
        db.session.commit()
        slow = leases.claim()
        _expire_leases(worker)
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
            _let_time_pass(worker)
        row = db.session.scalars(select(OutboxRow).where(OutboxRow.key == "test.broken:1")).one()
        assert row.dead_at is not None
        assert "as always" in row.last_error
        db.session.rollback()
    with worker.app_context(), tenancy.reader_session() as session:
        assert session.scalar(text("SELECT count(*) FROM drift_findings WHERE kind = 'dead_work'")) == 1


def test_running_everything_again_changes_nothing(web, tenant, stripe_sandbox, drain):
    """The same work done twice, as after a crash between effect and commit."""
    buy(tenant, stripe_sandbox, drain)
    before = _counts(tenant)
    _as_owner(
        web,
        "UPDATE stripe_objects SET wanted = wanted + 1",
        "UPDATE outbox SET done_at = NULL, lease_until = NULL WHERE kind <> 'mail.send'",
    )
    drain()
    assert _counts(tenant) == before


def _counts(tenant_id: UUID) -> dict[str, int]:
    tables = ("subscriptions", "invoices", "invoice_lines", "payments", "invoice_documents", "notices", "checkouts")
    with tenancy.bound(tenant_id):
        return {table: db.session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables}  # noqa: S608


def _let_time_pass(app) -> None:
    """All that waits for later is due now."""
    _as_owner(app, "UPDATE outbox SET next_at = now()", "UPDATE stripe_objects SET next_at = now()")


def _expire_leases(app) -> None:
    _as_owner(app, "UPDATE outbox SET lease_until = now() - interval '1 second'")


def _as_owner(app, *statements: str) -> None:
    engine = create_engine(app.extensions["settings"].role_url("owner"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
