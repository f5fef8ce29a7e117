"""Sweeping up: rows whose only purpose lies in the past."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy import func as sql

from portal.extensions import db
from portal.models import Heartbeat
from portal.outbox import periodic
from portal.security import housekeeping

HEARTBEATS_KEPT = timedelta(days=1)


@periodic("sweep_sign_in", every_seconds=3600)
def sweep_sign_in() -> None:
    """Old attempts, sessions and reset links."""
    housekeeping.sweep()


@periodic("forget_heartbeats", every_seconds=3600)
def forget_heartbeats() -> None:
    """Processes that were last seen a day ago do not come back under that name."""
    db.session.execute(delete(Heartbeat).where(Heartbeat.seen_at < sql.now() - HEARTBEATS_KEPT))
    db.session.commit()
