"""Places in long lists: who comes back late begins nothing."""

from sqlalchemy import func, update

from portal.extensions import db
from portal.mirror import cursors
from portal.models import StripeCursor

NAME = "events.test"


def complete() -> None:
    """Another worker comes to the end of the list."""
    ended = {"started_at": None, "stage": None, "after": None, "completed_at": func.clock_timestamp()}
    db.session.execute(update(StripeCursor).where(StripeCursor.name == NAME).values(**ended))
    db.session.commit()


def test_somebody_else_has_come_to_the_end(worker):
    with worker.app_context():
        place = cursors.enter(NAME)
        complete()
        assert cursors.enter(NAME, left=place) is None
        later = cursors.enter(NAME)  # the next turn
        assert later is not None
        assert later.started_at > place.started_at


def test_a_pass_that_was_given_up_begins_again_at_once(worker):
    with worker.app_context():
        cursors.enter(NAME)
        complete()
        place = cursors.enter(NAME)
        cursors.abandon(place)
        again = cursors.enter(NAME, left=place)
        assert again is not None
        assert again.started_at > place.started_at


def test_the_pass_under_way_goes_on(worker):
    with worker.app_context():
        place = cursors.enter(NAME, stage="first")
        assert cursors.enter(NAME, left=place) == place
