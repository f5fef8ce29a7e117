"""Saying that a worker or ticker is alive: rows, because Redis may be away."""

import os
import socket

from sqlalchemy import delete, text
from sqlalchemy import func as sql
from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.models import Heartbeat

HEARTBEAT_SECONDS = 20


def beat(kind: str) -> None:
    """Note that this process, a ``kind`` (worker, ticker), lives now. Commits."""
    db.session.execute(
        insert(Heartbeat)
        .values(name=f"{kind}-{socket.gethostname()}-{os.getpid()}", kind=kind)
        .on_conflict_do_update(index_elements=["name"], set_={"seen_at": sql.now()})
    )
    db.session.commit()


def is_alive(kind: str) -> bool:
    """Whether any process of this kind has been seen in the last :data:`HEARTBEAT_SECONDS` seconds."""
    tenancy.fresh()
    query = text("SELECT count(*) FROM heartbeats WHERE kind = :kind AND seen_at > now() - make_interval(secs => :s)")
    alive = db.session.execute(query, {"kind": kind, "s": HEARTBEAT_SECONDS}).scalar_one()
    db.session.rollback()
    return bool(alive)


def forget_this_host() -> None:
    """Remove what processes of this host have left behind. Commits.

    Called before this host's processes start: what a killed worker said 10 seconds ago would otherwise make a
    portal well whose new worker does not run yet. One that does live says so again within seconds.
    """
    tenancy.fresh()
    here = Heartbeat.name.contains(f"-{socket.gethostname()}-", autoescape=True)
    db.session.execute(delete(Heartbeat).where(here), execution_options={"synchronize_session": False})
    db.session.commit()
