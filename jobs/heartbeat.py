"""The thread in which a worker or ticker says that it is alive."""

import logging
import threading

from apiflask import APIFlask
from sqlalchemy.exc import SQLAlchemyError

from portal import heartbeats

EVERY_SECONDS = 5.0
log = logging.getLogger("portal.heartbeat")


def start(app: APIFlask, kind: str) -> None:
    """Beat from a daemon thread until the process ends."""
    threading.Thread(target=_beat_for_ever, args=(app, kind), name="heartbeat", daemon=True).start()


def _beat_for_ever(app: APIFlask, kind: str) -> None:
    pause = threading.Event()
    while True:
        try:
            with app.app_context():
                heartbeats.beat(kind)
        except SQLAlchemyError as error:
            log.warning("no heartbeat: %s", type(error).__name__)
        pause.wait(EVERY_SECONDS)
