"""What the portal stands on goes away and comes back: nobody restarts anything, and nothing is lost."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
import pytest
import redis
import requests

from tests.faults import machine as machines
from tests.faults.buyer import Buyer
from tests.faults.machine import PROCESSES, Machine, wait_until
from tests.faults.storm import Storm, verify
from tests.support import html
from tests.support.events import sign

PATIENCE_SECONDS = 90
SEED = 20

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(scope="module", name="machine")
def fixture_machine() -> Iterator[Machine]:
    with machines.running() as running:
        yield running


@pytest.fixture(name="buyer")
def fixture_buyer(machine: Machine) -> Buyer:
    buyer = Buyer(machine.portal, machine.portal.person(), patience_seconds=PATIENCE_SECONDS)
    buyer.sign_in()
    return buyer


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process answers nobody, and its connections stay open."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def is_well(machine: Machine) -> bool:
    return requests.get(f"{machine.portal.url}/health", timeout=30).ok


def unharmed(machine: Machine) -> bool:
    """Nobody had to be started again."""
    return all(machine.portal.processes[name].poll() is None for name in PROCESSES)


def test_a_frozen_redis_stops_nothing(machine: Machine, buyer: Buyer) -> None:
    """Its connections take what is sent and never answer: every bell gives up, and the ticker does the work."""
    with frozen(machine.pid("valkey")):
        assert not is_well(machine)
        assert buyer.buy().document_sha256
    wait_until(lambda: is_well(machine), PATIENCE_SECONDS, "not well again")
    machine.portal.await_quiet()


def test_redis_wiped_with_work_pending_loses_nothing(machine: Machine, buyer: Buyer) -> None:
    for name in ("worker", "ticker"):
        machine.portal.kill(name)
    purchase = buyer.pay()
    wait_until(lambda: owed(machine) > 0, PATIENCE_SECONDS, "no work is pending")
    redis.Redis.from_url(machine.portal.settings.redis_url).flushall()
    for name in ("worker", "ticker"):
        machine.portal.start(name)
    assert buyer.receive(purchase).document_sha256


def test_redis_that_is_killed_and_comes_back_empty(machine: Machine, buyer: Buyer) -> None:
    machine.kill("valkey")
    assert machine.valkey.process is not None
    machine.valkey.process.wait()
    assert buyer.buy().document_sha256, "without Redis"
    machine.valkey.start()
    wait_until(lambda: is_well(machine), PATIENCE_SECONDS, "not well again")
    assert buyer.again().document_sha256
    assert unharmed(machine)


@pytest.mark.parametrize("how", ["restarted", "killed"])
def test_a_database_that_goes_away_and_comes_back(machine: Machine, buyer: Buyer, how: str) -> None:
    purchase = buyer.pay()
    acknowledged = delivered(machine)
    if how == "killed":
        machine.kill("postgres")
        assert machine.postgres.process is not None
        machine.postgres.process.wait()
    else:
        machine.postgres.stop()
    assert_says_not_now(buyer.session.get(f"{machine.portal.url}/plans", timeout=30))
    assert requests.post(f"{machine.portal.url}/webhooks/stripe", data=b"{}", timeout=30).status_code == 400
    event = event_of(machine, f"evt_while_{how}")
    assert deliver(machine, event).status_code == 503, "what cannot be kept must not be acknowledged"
    assert not is_well(machine)
    machine.postgres.start()
    wait_until(lambda: deliver(machine, event).status_code == 200, PATIENCE_SECONDS, "not taken when repeated")
    acknowledged.add(event["id"])
    assert buyer.receive(purchase).document_sha256
    wait_until(lambda: is_well(machine), PATIENCE_SECONDS, "not well again")
    assert unharmed(machine)
    with machine.connect() as connection:
        stored = {row[0] for row in connection.execute("SELECT id FROM stripe_events")}
    assert acknowledged <= stored, "an acknowledged write is missing"


def test_a_database_without_a_free_connection(machine: Machine, buyer: Buyer) -> None:
    with machine.connect() as connection:
        connection.execute("ALTER SYSTEM SET max_connections = 30")
    machine.postgres.stop()
    machine.postgres.start()
    wait_until(lambda: is_well(machine), PATIENCE_SECONDS, "not well after the restart")
    with ExitStack() as stack:
        take_all(machine, stack)
        for _ in range(6):
            assert_says_not_now(buyer.session.get(f"{machine.portal.url}/invoices", timeout=30))
        assert deliver(machine, event_of(machine, "evt_without_a_connection")).status_code == 503
    wait_until(lambda: is_well(machine), PATIENCE_SECONDS, "not well again")
    assert buyer.buy().document_sha256


def take_all(machine: Machine, stack: ExitStack) -> None:
    """Every connection that the server has, the reserved ones too, until the portal has none left."""
    owner = stack.enter_context(machine.connect())
    end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'portal-%'"

    def is_empty_handed() -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(machine.connect())
        return owner.execute(end).fetchone() == (0,)

    wait_until(is_empty_handed, PATIENCE_SECONDS, "the portal always finds one more")


def assert_says_not_now(answer: requests.Response) -> None:
    """The page that says so, and when to come again."""
    assert answer.status_code == 503
    assert html.parse(answer.text).one("h1").text == "The portal cannot answer right now."
    assert int(answer.headers["Retry-After"]) > 0


def event_of(machine: Machine, event_id: str) -> dict[str, Any]:
    """One of Stripe's events under another id, which Stripe does not deliver by itself."""
    return {**machine.portal.sandbox.listed("events")[0], "id": event_id}


def deliver(machine: Machine, event: dict[str, Any]) -> requests.Response:
    """Signed as Stripe would."""
    body = json.dumps(event)
    signature = sign(body, machine.portal.settings.stripe_webhook_secret)
    return requests.post(
        f"{machine.portal.url}/webhooks/stripe", body, headers={"Stripe-Signature": signature}, timeout=30
    )


def owed(machine: Machine) -> int:
    query = "SELECT count(*) FROM stripe_objects WHERE seen < wanted"
    with machine.connect() as connection:
        row = connection.execute(query).fetchone()
    return int(str(row[0])) if row else 0


def delivered(machine: Machine) -> set[str]:
    deliveries = machine.portal.sandbox.get("deliveries")["data"]
    return {entry["event"] for entry in deliveries if entry["status"] == "delivered"}


def test_a_short_storm() -> None:
    """300 kills and 500 purchases: ``python -m tests.faults storm``."""
    with machines.running() as machine:
        storm = Storm(machine, kills=12, purchases=5, tenants=4, seed=SEED)
        storm.rage()
        verify(storm)
        assert storm.killed.total() == 12
