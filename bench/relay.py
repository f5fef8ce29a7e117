"""The outbox: one worker's drain over rows that ask for nothing, against RQ's SimpleWorker on no-op jobs."""

import os

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from bench import peers
from bench.harness import Meter, Row, Sample, interleave
from bench.places import Place, owner_connection
from jobs.drain import drain
from portal import config
from portal.app import create_app
from portal.outbox import Work, handler
from tests.support import database

ROWS = 20_000
ROWS_SINGLY = 1_000
JOBS = 300
AIM = 100
_STAGE = """
    INSERT INTO outbox (id, kind, key)
    SELECT gen_random_uuid(), %(kind)s, %(kind)s || n FROM generate_series(1, %(count)s) AS n"""


@handler("bench.nothing", batched=True)
@handler("bench.nothing_singly")
def do_nothing(_work: Work) -> None:
    """What the measured work does."""


def run(at: Place) -> list[Row]:
    """Everything in this process: what is counted is the worker, PostgreSQL and Valkey."""
    with at.database() as environment:
        app = create_app("worker", settings=config.load(environment))
        with app.app_context():
            jobs = int(JOBS * at.share)

            def relayed(kind: str, rows: int) -> Sample:
                _stage(environment, kind, rows)
                with Meter(os.getpid()).measuring() as measured:
                    done = drain()
                assert done == rows, done
                return Sample(rows, measured.seconds, measured.cpu_seconds)

            def queued() -> Sample:
                return _work_off(environment["REDIS_URL"], jobs)

            sides = {
                "batched": lambda: relayed("bench.nothing", int(ROWS * at.share)),
                "singly": lambda: relayed("bench.nothing_singly", int(ROWS_SINGLY * at.share)),
                "reference": queued,
            }
            for side in sides.values():
                side()  # warm
            rounds = interleave(sides, at.rounds)
            database.dispose(app)
    rate, cpu = rounds.ratios(lambda one: one.rate, "batched"), rounds.ratios(_cpu, "batched")
    singly = rounds.ratios(lambda one: one.rate, "singly")
    return [
        Row(
            "relay, batched: rows/s ÷ RQ no-op jobs/s",
            str(rate),
            f"≥ {AIM}",
            rate.median >= AIM,
            rounds.sides("batched"),
        ),
        Row("relay, batched: CPU ÷ RQ no-op job", str(cpu)),
        Row("relay, one by one: rows/s ÷ RQ no-op jobs/s", str(singly), sides=rounds.sides("singly")),
        Row("relay, one by one: CPU ÷ RQ no-op job", str(rounds.ratios(_cpu, "singly"))),
    ]


def _cpu(sample: Sample) -> float:
    return sample.cpu_per_operation


def _stage(environment: dict[str, str], kind: str, count: int) -> None:
    with owner_connection(environment) as connection:
        connection.execute("TRUNCATE outbox")
        connection.execute(_STAGE, {"kind": kind, "count": count})
        connection.execute("VACUUM ANALYZE outbox")


def _work_off(redis_url: str, jobs: int) -> Sample:
    connection = Redis.from_url(redis_url)
    connection.flushdb()
    queue = Queue("bench", connection=connection, serializer=JSONSerializer)
    for _ in range(jobs):
        queue.enqueue(peers.no_job, result_ttl=0)
    worker = SimpleWorker([queue], connection=connection, serializer=JSONSerializer)
    with Meter(os.getpid()).measuring() as measured:
        worker.work(burst=True, logging_level="ERROR", with_scheduler=False)
    assert not queue.count
    return Sample(jobs, measured.seconds, measured.cpu_seconds)
