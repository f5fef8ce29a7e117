"""Saying that a worker or ticker is alive: rows, because Redis may be away."""

import logging
import os
import socket
import threading

from apiflask import APIFlask
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from portal.extensions import db
from portal.models import Heartbeat

EVERY_SECONDS = 5.0
log = logging.getLogger("portal.heartbeat")


def start(app: APIFlask, kind: str) -> None:
    """Beat from a daemon thread until the process ends."""
    name = f"{kind}-{socket.gethostname()}-{os.getpid()}"
    threading.Thread(target=_beat_for_ever, args=(app, kind, name), name="heartbeat", daemon=True).start()


def _beat_for_ever(app: APIFlask, kind: str, name: str) -> None:
    pause = threading.Event()
    while True:
        try:
            with app.app_context():
                _beat(kind, name)
        except SQLAlchemyError as error:
            log.warning("no heartbeat: %s", type(error).__name__)
        pause.wait(EVERY_SECONDS)


def _beat(kind: str, name: str) -> None:
    db.session.execute(
        insert(Heartbeat)
        .values(name=name, kind=kind)
        .on_conflict_do_update(index_elements=["name"], set_={"seen_at": sql.now()})
    )
    db.session.commit()
