"""Events that were never delivered: Stripe's list of events is looked through, again and again.

A pass goes from the newest event back to an hour before the newest that the last whole pass met, a page at a
time. Each page is one commit: the events that the inbox did not have, and the place in the list. A pass that was
killed goes on where it was; only a whole one moves ``reached_at``. Times are Stripe's own (``created``), so that
no clock of ours can step over an event; an hour is looked at twice, because ``created`` has the grain of a second
and Stripe lists an event somewhat after it was made.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func as sql
from sqlalchemy import select
from sqlalchemy.exc import DataError

from portal import clock, tenancy
from portal.extensions import db
from portal.findings import report
from portal.gateway import event_list
from portal.gateway.errors import StripeMissing
from portal.gateway.event_list import EventPage
from portal.gateway.inbox import take_in
from portal.gateway.kinds import POLLED
from portal.mirror import cursors
from portal.mirror.cursors import Place
from portal.models import Installation, StripeCursor, StripeEvent

OVERLAP = timedelta(hours=1)
RUN_SECONDS = 10.0  # with one call of 15 s below the lease of owed work
log = logging.getLogger("portal.missed_events")


@dataclass(frozen=True)
class Looked:
    """What one run found: so many events that were never delivered; whether it came to the end of the list."""

    missed: int
    is_done: bool


def look(group: str) -> Looked:
    """Look through the list of a group's events, a page at least and some ten seconds at most; commits each page.

    Raises :class:`portal.gateway.errors.StripeFailure`; what was stored until then stays stored.
    """
    until = time.monotonic() + RUN_SECONDS
    looked, place = Looked(0, is_done=False), None
    while True:
        place = cursors.enter(cursor_name(group), left=place)
        page = Looked(0, is_done=True) if place is None else _look_at_page(place, POLLED[group])
        looked = Looked(looked.missed + page.missed, page.is_done)
        if looked.is_done or time.monotonic() >= until:
            break
    if looked.missed:
        log.warning("%s events of %s had not been delivered", looked.missed, group)
    return looked


def cursor_name(group: str) -> str:
    """The cursor of a group of :data:`portal.gateway.kinds.POLLED`."""
    return f"events.{group}"


def _look_at_page(place: Place, types: Sequence[str]) -> Looked:
    since = (place.reached_at or _installed_at()) - OVERLAP
    tenancy.fresh()  # no transaction is open while Stripe is asked
    try:
        page = event_list.page(types, since, place.after)
    except StripeMissing:  # the place is older than what Stripe keeps: the pass begins again
        cursors.abandon(place)
        return Looked(0, is_done=False)
    return _store_page(place, page)


def _store_page(place: Place, page: EventPage) -> Looked:
    row = cursors.resume(place)
    if row is None:  # somebody else works on this list, and has gone on from here
        return Looked(0, is_done=True)
    missed = sum(_take(event) for event in _unknown(page.events))
    if page.events and row.newest_at is None:
        row.newest_at = clock.from_timestamp(max(event["created"] for event in page.events))
    if page.has_more:
        row.after = page.events[-1]["id"]
    else:
        _end(row)
    db.session.commit()
    return Looked(missed, is_done=not page.has_more)


def _take(event: dict[str, Any]) -> bool:
    """As a delivery would; what no database can hold must not hold up what comes after it."""
    try:
        with db.session.begin_nested():
            return take_in(event)
    except DataError as error:
        log.warning("an event cannot be stored: %s", type(error.orig).__name__, extra={"object_id": event["id"]})
        report("parked_event", event["id"], reason="it cannot be stored", type=event["type"])
        return False


def _end(row: StripeCursor) -> None:
    if row.newest_at is not None and (row.reached_at is None or row.reached_at < row.newest_at):
        row.reached_at = row.newest_at
    row.started_at = row.after = row.newest_at = None
    row.completed_at = sql.now()


def _unknown(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the inbox does not have, oldest first: nearly all were delivered, or seen by an earlier pass."""
    ids = [event["id"] for event in events]
    known = set(db.session.scalars(select(StripeEvent.id).where(StripeEvent.id.in_(ids))))
    return [event for event in reversed(events) if event["id"] not in known]


def _installed_at() -> datetime:
    return db.session.scalars(select(Installation.created_at)).one()
