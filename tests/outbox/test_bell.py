"""Redis only rings: what it loses, the ticker finds; while it is frozen, it is left alone."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from blueprints import PAGES
from jobs.ticker import tick
from portal import breaker
from portal.app import create_app
from portal.extensions import db
from portal.mirror import leases as wanted
from portal.outbox import leases, registry, stage
from portal.outbox.wake import PAUSE_SECONDS, QUEUE, bell
from portal.outbox.work import Work
from tests.support import database
from tests.support.events import deliver, events_of
from tests.support.people import browser
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


@contextmanager
def frozen_redis() -> Iterator[tuple[str, list[socket.socket]]]:
    """An address that takes connections and never answers, as a stopped Redis does; and who has come."""
    came: list[socket.socket] = []

    def take() -> None:
        with suppress(OSError):  # when it is closed
            while True:
                came.append(listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=take, daemon=True).start()
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0", came
        listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture(name="moment")
def fixture_moment(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The breaker's clock, which stands still until the test moves it."""
    moment = [1000.0]
    monkeypatch.setattr(breaker, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    return moment


def test_a_frozen_redis_is_asked_once_per_pause_and_given_a_fifth_of_a_second(web, tenant, stripe_sandbox, moment):
    """What bounds the wait of a page or a webhook; how long it really takes is measured by ``bench/redis_away.py``."""
    settings = web.extensions["settings"]
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    customer = database.as_owner(settings, "SELECT stripe_customer_id AS id FROM customers")[0]["id"]
    events = events_of(stripe_sandbox.url, customer)
    with frozen_redis() as (url, came):
        app = create_app("web", settings=replace(settings, redis_url=url), blueprints=PAGES)
        client = browser(app)
        for event in events[:-1]:
            assert deliver(client, event).status_code == 200
        assert len(came) == 1
        moment[0] += PAUSE_SECONDS + 0.1
        assert deliver(client, events[-1]).status_code == 200
        assert len(came) == 2
        options = app.extensions["bell"].redis.connection_pool.connection_kwargs
        with app.app_context():
            database.dispose(app)
    assert len(events) > 10
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.2, 0.2)
    assert options["retry"].get_retries() == 0
