"""Sweeping up: rows whose only purpose lies in the past."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy import func as sql

from portal.extensions import db
from portal.models import Heartbeat, LoginAttempt
from portal.outbox import periodic

LOGIN_ATTEMPTS_KEPT = timedelta(days=30)
HEARTBEATS_KEPT = timedelta(days=1)


@periodic("forget_login_attempts", every_seconds=3600)
def forget_login_attempts() -> None:
    """The limits look back fifteen minutes; a month is kept for whoever investigates."""
    db.session.execute(delete(LoginAttempt).where(LoginAttempt.created_at < sql.now() - LOGIN_ATTEMPTS_KEPT))
    db.session.commit()


@periodic("forget_heartbeats", every_seconds=3600)
def forget_heartbeats() -> None:
    db.session.execute(delete(Heartbeat).where(Heartbeat.seen_at < sql.now() - HEARTBEATS_KEPT))
    db.session.commit()
