"""The ticker process: ``python -m jobs.ticker``. Starts periodic work and rings for what was left behind.

Any number may run: the database decides who starts what. While Redis is away it does the work itself.
"""

import logging
import signal
import sys
import threading

from sqlalchemy.exc import SQLAlchemyError

from jobs import heartbeat
from jobs.drain import drain
from jobs.startup import create_worker_app
from portal import tenancy
from portal.mirror import leases as mirror
from portal.outbox import leases as outbox
from portal.outbox import schedule
from portal.outbox.wake import bell

EVERY_SECONDS = 1.0
log = logging.getLogger("portal.ticker")


def main() -> int:
    """Tick until told to end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    app = create_worker_app()
    with app.app_context():
        heartbeat.start(app, "ticker")
        registered = False
        while not stop.is_set():
            try:
                if not registered:
                    schedule.register_all()
                    registered = True
                tick()
            except SQLAlchemyError as error:
                log.warning("the database does not answer: %s", type(error).__name__)
                tenancy.fresh()
            stop.wait(EVERY_SECONDS)
    return 0


def tick() -> None:
    """Start what is due; ring when something waits, or do it here when nobody can be rung."""
    schedule.start_due()
    due = outbox.has_due() or mirror.has_due()
    tenancy.fresh()
    if due and not bell().ring():
        drain()


if __name__ == "__main__":
    sys.exit(main())
