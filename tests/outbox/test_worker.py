"""The worker as a process: it ends when it is told to, and for no other reason."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from portal.outbox.wake import DRAIN, QUEUE
from tests.support import database

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(name="redis")
def fixture_redis() -> Iterator[Redis]:
    """A database that no other test rings in."""
    connection = Redis.from_url(database.redis_url(2))
    connection.flushdb()
    yield connection
    connection.flushdb()


@pytest.fixture(name="start")
def fixture_start(settings, stripe_sandbox, tmp_path) -> Iterator[Callable[[str], "subprocess.Popen[bytes]"]]:
    """Start a worker that listens to a Redis; what it logs is in ``log``."""
    started = []

    def start(redis_url: str) -> "subprocess.Popen[bytes]":
        name = settings.role_url("worker").database
        variables = database.environment(name, REDIS_URL=redis_url, **stripe_sandbox.environment())
        command = [sys.executable, "-m", "jobs.worker"]
        with (tmp_path / "log").open("wb") as log:
            started.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_something_unexpected_in_redis_does_not_end_it(redis: Redis, start, tmp_path: Path) -> None:
    """RQ gives up at an error that it does not know, and leaves as if it had been told to."""
    redis.set(f"rq:queue:{QUEUE}", "not a list")
    process = start(database.redis_url(2))
    _until(lambda: "listening anew" in (tmp_path / "log").read_text())
    redis.delete(f"rq:queue:{QUEUE}")
    queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer)
    job = queue.enqueue(DRAIN, result_ttl=60)
    _until(lambda: job.get_status(refresh=True) == "finished")
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_it_can_be_told_to_end_while_it_waits_to_listen_anew(redis: Redis, start, tmp_path: Path) -> None:
    """RQ gave up in the midst of a job: its worker takes the signal for something to be done after that job."""
    process = start(database.redis_url(2))
    queue = Queue(QUEUE, connection=redis, serializer=JSONSerializer)
    first = queue.enqueue(DRAIN, result_ttl=60)
    _until(lambda: first.get_status(refresh=True) == "finished")
    redis.delete(f"rq:wip:{QUEUE}")
    redis.set(f"rq:wip:{QUEUE}", "not a sorted set")
    queue.enqueue(DRAIN)
    _until(lambda: "listening anew" in (tmp_path / "log").read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert (tmp_path / "log").read_text().count("listening anew") == 1, "it ends at once"


def test_it_can_be_told_to_end_while_there_is_no_redis(start, tmp_path: Path) -> None:
    process = start("redis://127.0.0.1:1/0")
    _until(lambda: "listening anew" in (tmp_path / "log").read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_a_redis_that_is_not_there_does_not_end_it(start, tmp_path: Path) -> None:
    """RQ speaks to Redis as soon as a worker of it is made."""
    process = start("redis://127.0.0.1:1/0")
    _until(lambda: (tmp_path / "log").read_text().count("listening anew") >= 2)
    assert process.poll() is None


def _until(happened) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.1)
