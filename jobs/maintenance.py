"""Sweeping up: rows whose only purpose lies in the past."""

from datetime import timedelta

from sqlalchemy import delete, update
from sqlalchemy import func as sql

from portal.extensions import db
from portal.models import Heartbeat, OutboxRow, StripeEvent
from portal.outbox import periodic
from portal.security import housekeeping

HEARTBEATS_KEPT = timedelta(days=1)
TURNS_KEPT = timedelta(days=1)
EVENT_BODIES_KEPT = timedelta(days=90)


@periodic("sweep_sign_in", every_seconds=3600)
def sweep_sign_in() -> None:
    """Old attempts, sessions and reset links."""
    housekeeping.sweep()


@periodic("forget_done_turns", every_seconds=3600)
def forget_done_turns() -> None:
    """Turns of periodic work; every other key stays, because it must never be used again."""
    done = OutboxRow.kind.startswith("periodic."), OutboxRow.done_at < sql.now() - TURNS_KEPT
    db.session.execute(delete(OutboxRow).where(*done), execution_options={"synchronize_session": False})
    db.session.commit()


@periodic("empty_old_events", every_seconds=3600)
def empty_old_events() -> None:
    """The bodies of old events; their ids stay, so that none is taken twice."""
    old = StripeEvent.received_at < sql.now() - EVENT_BODIES_KEPT, StripeEvent.payload != {}
    db.session.execute(
        update(StripeEvent).where(*old).values(payload={}), execution_options={"synchronize_session": False}
    )
    db.session.commit()


@periodic("forget_heartbeats", every_seconds=3600)
def forget_heartbeats() -> None:
    """Processes that were last seen a day ago do not come back under that name."""
    db.session.execute(delete(Heartbeat).where(Heartbeat.seen_at < sql.now() - HEARTBEATS_KEPT))
    db.session.commit()
