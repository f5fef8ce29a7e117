"""The worker process: ``python -m jobs.worker``. One queue, JSON only, no fork: PDFs have a child of their own."""

import contextlib
import logging
import signal
import sys
import threading
import time

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from jobs import heartbeat
from jobs.drain import drain
from jobs.startup import create_worker_app
from portal.invoicing.documents import pdf_process
from portal.invoicing.pdf import PdfError, PdfProcess
from portal.outbox.wake import QUEUE

# Once Redis is back the ticker rings instead of working itself: nobody may sleep for long then.
LONGEST_WAIT_SECONDS = 2.0
log = logging.getLogger("portal.worker")


def _warm_up(renderer: PdfProcess) -> None:
    with contextlib.suppress(PdfError):  # whoever needs a document is told then
        renderer.start()


def main() -> int:
    """Serve wake-ups until the process is told to end; drains once at the start for what was left behind."""
    app = create_worker_app()
    with app.app_context():
        heartbeat.start(app, "worker")
        # The renderer takes seconds to come up; the first invoice shall not wait for it.
        threading.Thread(target=_warm_up, args=(pdf_process(),), name="pdf", daemon=True).start()
        drain()
        with contextlib.suppress(StopRequested):  # told to end between two of RQ's workers
            _serve(app.extensions["settings"].redis_url)
    return 0


class _Orders:
    """Whether this process was told to end, whoever heard it: one of RQ's workers, or nobody but us between two.

    RQ's own memory ends with its worker, and that takes the signals for as long as nobody else does.
    """

    def __init__(self) -> None:
        self.is_told = False

    def listen(self) -> None:
        """Take SIGTERM and SIGINT, until one of RQ's workers does."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, *_signal: object) -> None:
        if not self.is_told:  # told twice, it is on its way already
            self.is_told = True
            raise StopRequested  # out of any wait, for Redis too


class _Worker(SimpleWorker):
    """RQ's own, that hands on that it was told to end: it also stops, without a word, at whatever it did not expect
    of Redis.
    """

    orders: _Orders

    def handle_warm_shutdown_request(self) -> None:
        self.orders.is_told = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]


def _serve(redis_url: str) -> None:
    """Until told to end, whatever Redis does meanwhile. May raise StopRequested then."""
    orders = _Orders()
    orders.listen()
    while not orders.is_told:
        try:
            _listen(redis_url, orders)
            reason = "the worker stopped by itself"
        except RedisError as error:
            reason = type(error).__name__
        if not orders.is_told:
            log.warning("redis does not answer as it should; listening anew: %s", reason)
            time.sleep(LONGEST_WAIT_SECONDS)


def _listen(redis_url: str, orders: _Orders) -> None:
    """Serve wake-ups until told to end, or until RQ stops by itself.

    RQ waits by itself while it listens. It gives up when Redis goes away under a job, and needs it to begin with.
    """
    connection = Redis.from_url(redis_url)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
    worker = _Worker([queue], connection=connection, serializer=JSONSerializer)
    worker.orders = orders
    worker.max_connection_wait_time = LONGEST_WAIT_SECONDS
    try:
        worker.work(logging_level="WARNING", with_scheduler=False)
    finally:
        orders.listen()


if __name__ == "__main__":
    sys.exit(main())
