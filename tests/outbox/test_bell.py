"""Redis only rings: what it loses, the ticker finds."""

from dataclasses import replace

from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from jobs.ticker import tick
from portal.app import create_app
from portal.extensions import db
from portal.mirror import leases as wanted
from portal.outbox import leases, registry, stage
from portal.outbox.wake import QUEUE, bell
from portal.outbox.work import Work
from tests.support import database
from tests.support.shopping import land, make_tenant, start, step


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
