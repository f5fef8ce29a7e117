"""Periodic work: rows with a next time; any number of tickers may look, the database decides who starts."""

from datetime import timedelta

from sqlalchemy import func as sql
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.models import PeriodicTask
from portal.outbox import registry
from portal.outbox.staging import stage


def register_all() -> None:
    """Write the registered tasks into the table; a changed interval takes effect, the next time stays."""
    tenancy.fresh()
    for definition in registry.periodic_definitions():
        statement = insert(PeriodicTask).values(name=definition.name, every_seconds=definition.every_seconds)
        db.session.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_={"every_seconds": statement.excluded.every_seconds}
            )
        )
    db.session.commit()


def start_due() -> int:
    """Stage every due task once and set its next time, in one commit. Returns how many were started.

    Missed turns are not made up for: a ticker that slept for a day starts each task once. Its hour stays: the next
    time is whole intervals after this one, and never the moment at which somebody looked.
    """
    tenancy.fresh()
    now = db.session.scalars(select(sql.now())).one()
    due = db.session.scalars(
        select(PeriodicTask).where(PeriodicTask.next_at <= now).with_for_update(skip_locked=True)
    ).all()
    for task in due:
        stage(f"periodic.{task.name}", f"periodic:{task.name}:{task.next_at.isoformat()}")
        every = timedelta(seconds=task.every_seconds)
        task.last_started_at = now
        task.next_at += ((now - task.next_at) // every + 1) * every
    db.session.commit()
    return len(due)
