"""Places in long lists that are worked through page by page: kept in a row, so that a kill loses no ground.

Between reading the place and storing the page there is a call to Stripe and no transaction. Whoever comes back
and finds that the place was moved meanwhile drops its page: another worker has done it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func as sql
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.models import StripeCursor


@dataclass(frozen=True)
class Place:
    """Where a pass is. ``started_at`` names the pass."""

    name: str
    started_at: datetime
    stage: str | None
    after: str | None
    reached_at: datetime | None


def enter(name: str, *, stage: str | None = None, anew: bool = False, left: Place | None = None) -> Place | None:
    """The place of the pass under way; a pass that begins, begins at ``stage``. Commits.

    ``anew`` gives up a pass under way. ``left``: where the caller has just been. When somebody else came to the end
    of the list meanwhile, nothing is begun and ``None`` returned: nobody would go on with it once the caller notices
    that its lease is gone.
    """
    tenancy.fresh()
    db.session.execute(insert(StripeCursor).values(name=name).on_conflict_do_nothing())
    row = db.session.scalars(select(StripeCursor).where(StripeCursor.name == name).with_for_update()).one()
    started_at = row.started_at
    if left is not None and started_at is None and row.completed_at is not None and row.completed_at > left.started_at:
        db.session.commit()
        return None
    if started_at is None or anew:
        started_at = _begin(row, stage)
    db.session.commit()
    return Place(name, started_at, row.stage, row.after, row.reached_at)


def resume(place: Place) -> StripeCursor | None:
    """The row of ``place``, locked in a new transaction; ``None`` when it is no longer the place."""
    tenancy.fresh()
    is_here = (
        StripeCursor.name == place.name,
        StripeCursor.started_at == place.started_at,
        StripeCursor.stage.is_not_distinct_from(place.stage),
        StripeCursor.after.is_not_distinct_from(place.after),
    )
    return db.session.scalars(select(StripeCursor).where(*is_here).with_for_update()).first()


def abandon(place: Place) -> None:
    """End the pass of ``place`` as if it had not been; the next one begins where this one began. Commits."""
    tenancy.fresh()
    db.session.execute(
        update(StripeCursor)
        .where(StripeCursor.name == place.name, StripeCursor.started_at == place.started_at)
        .values(started_at=None, stage=None, after=None, newest_at=None),
        execution_options={"synchronize_session": False},
    )
    db.session.commit()


def _begin(row: StripeCursor, stage: str | None) -> datetime:
    started_at: datetime = db.session.scalars(select(sql.clock_timestamp())).one()
    row.started_at, row.stage, row.after, row.newest_at = started_at, stage, None, None
    return started_at
