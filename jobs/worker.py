"""The worker process: ``python -m jobs.worker``. One queue, JSON only, no fork: PDFs have a child of their own."""

import contextlib
import sys
import threading

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from jobs import heartbeat
from jobs.drain import drain
from jobs.startup import create_worker_app
from portal.invoicing.documents import pdf_process
from portal.invoicing.pdf import PdfError, PdfProcess
from portal.outbox.wake import QUEUE


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
        connection = Redis.from_url(app.extensions["settings"].redis_url)
        queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
        worker = SimpleWorker([queue], connection=connection, serializer=JSONSerializer)
        worker.work(logging_level="WARNING", with_scheduler=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
