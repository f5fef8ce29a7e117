"""The worker process: ``python -m jobs.worker``. One queue, JSON only, no fork: PDFs have a child of their own."""

import contextlib
import logging
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
        with contextlib.suppress(StopRequested):  # told to end while it waited for Redis
            _serve(app.extensions["settings"].redis_url)
    return 0


class _Worker(SimpleWorker):
    """RQ's own, that remembers whether it was told to end: it also stops, without a word, at whatever it did not
    expect of Redis.
    """

    was_told_to_end = False

    def handle_warm_shutdown_request(self) -> None:
        self.was_told_to_end = True
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]


def _serve(redis_url: str) -> None:
    """Until told to end, whatever Redis does meanwhile."""
    while True:
        try:
            if _listen(redis_url):
                return
            reason = "the worker stopped by itself"
        except RedisError as error:
            reason = type(error).__name__
        log.warning("redis does not answer as it should; listening anew: %s", reason)
        time.sleep(LONGEST_WAIT_SECONDS)


def _listen(redis_url: str) -> bool:
    """Serve wake-ups; returns whether the end was asked for.

    RQ waits by itself while it listens. It gives up when Redis goes away under a job, and needs it to begin with.
    """
    connection = Redis.from_url(redis_url)
    queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
    worker = _Worker([queue], connection=connection, serializer=JSONSerializer)
    worker.max_connection_wait_time = LONGEST_WAIT_SECONDS
    try:
        worker.work(logging_level="WARNING", with_scheduler=False)
    except RedisError:
        if not worker.was_told_to_end:
            raise
    return worker.was_told_to_end


if __name__ == "__main__":
    sys.exit(main())
