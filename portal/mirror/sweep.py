"""The nightly sweep: what should be live is read again, whether or not an event ever spoke of it.

Of our own lists everything is wanted again; of Stripe's, what we do not have or show in another state. Each page
is one commit with the place in the list, and its objects are due one after the other, so that neither Stripe's
limits nor what customers wait for suffer. What such a reading changes is drift (``portal.mirror.drift``).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func as sql
from sqlalchemy import text, update

from portal.extensions import db
from portal.findings import report
from portal.gateway.errors import StripeMissing
from portal.mirror import cursors, live_lists
from portal.mirror.cursors import Place
from portal.mirror.live_lists import LISTS, Listed, Page
from portal.models import DriftFinding, StripeCursor
from portal.outbox import wake

CURSOR = "sweep"
STRANGER = "unknown_customer"
# Half of what one process may read; the other half is for what customers wait for.
OBJECTS_PER_SECOND = 10.0
RUN_SECONDS = 10.0  # with one call of 15 s below the lease of owed work

# One after the other from now on. Somebody's earlier wish stays as urgent as it was, and what is then found changed
# is not the sweep's discovery. What was parked gets another try.
_WANT = text("""
    INSERT INTO stripe_objects AS o (id, kind, wanted, swept, next_at)
    SELECT id, kind, 1, 1,
        now() + make_interval(secs => (CAST(:first AS bigint) + place - 1) / CAST(:rate AS double precision))
    FROM unnest(CAST(:ids AS text[]), CAST(:kinds AS text[])) WITH ORDINALITY AS t (id, kind, place)
    ON CONFLICT (id) DO UPDATE SET
        wanted = o.wanted + 1,
        swept = CASE WHEN o.seen = o.wanted OR o.swept = o.wanted OR o.parked_at IS NOT NULL THEN o.wanted + 1 END,
        next_at = CASE WHEN o.seen < o.wanted AND o.parked_at IS NULL
                  THEN least(o.next_at, excluded.next_at) ELSE excluded.next_at END,
        attempts = CASE WHEN o.parked_at IS NULL THEN o.attempts ELSE 0 END,
        parked_at = NULL""")


@dataclass(frozen=True)
class Swept:
    """What one run did: how many objects it wanted, how many belong to nobody here, whether it was the last.

    ``pause``: seconds until the wanted ones have had their turn.
    """

    wanted: int = 0
    strangers: int = 0
    is_done: bool = False

    @property
    def pause(self) -> float:
        return self.wanted / OBJECTS_PER_SECOND


@dataclass(frozen=True)
class _Sorted:
    wanted: Sequence[Listed]
    strangers: Sequence[Listed] = ()
    familiar: Sequence[Listed] = ()


def advance(*, anew: bool = False) -> Swept:
    """Go on with the sweep, or begin one, until a page had something to want or some ten seconds are over.

    ``anew`` begins at the first list whatever is under way. Commits each page.
    Raises :class:`portal.gateway.errors.StripeFailure`; what was wanted until then stays wanted.
    """
    until = time.monotonic() + RUN_SECONDS
    strangers, place = 0, None
    while True:
        place = cursors.enter(CURSOR, stage=next(iter(LISTS)), anew=anew, left=place)
        if place is None:
            return Swept(strangers=strangers, is_done=True)
        page = _sweep_page(place)
        anew = False
        strangers += page.strangers
        if page.is_done or page.wanted or time.monotonic() >= until:
            return Swept(page.wanted, strangers, page.is_done)


def _sweep_page(place: Place) -> Swept:
    source = LISTS.get(place.stage or "")
    if source is None:  # a list of another version of the portal: begin again
        cursors.abandon(place)
        return Swept()
    try:
        page = source.read(place.after, place.started_at)
    except StripeMissing:  # the entry where we stopped was deleted
        cursors.abandon(place)
        return Swept()
    found = _Sorted(page.entries) if source.is_ours else _sort(page.entries)
    row = cursors.resume(place)
    if row is None:  # somebody else sweeps, and has gone on from here
        return Swept(is_done=True)
    want_in_turn(found.wanted)
    _report(found)
    is_done = _move(row, page)
    db.session.commit()
    return Swept(len(found.wanted), len(found.strangers), is_done)


def _sort(entries: Sequence[Listed]) -> _Sorted:
    """A page of Stripe's: strangers are not wanted, nobody could ever apply them. Those that ended harm nobody."""
    known, shown = live_lists.known_customers(entries), live_lists.shown(entries)
    familiar = [entry for entry in entries if entry.customer_id in known]
    return _Sorted(
        wanted=[entry for entry in familiar if (entry.object_id, entry.status) not in shown],
        strangers=[
            entry for entry in entries if entry.customer_id not in known and entry.status not in live_lists.ENDED
        ],
        familiar=familiar,
    )


def want_in_turn(entries: Sequence[Listed], *, first: int = 0) -> None:
    """Ask, in the current transaction, for objects to be read again one after the other; ``first`` are in front."""
    if not entries:
        return
    ids, kinds = [entry.object_id for entry in entries], [entry.kind for entry in entries]
    db.session.execute(_WANT, {"ids": ids, "kinds": kinds, "first": first, "rate": OBJECTS_PER_SECOND})
    wake.after_commit()


def _report(found: _Sorted) -> None:
    """A finding for each stranger; one that has found its tenant since is closed."""
    for entry in found.strangers:
        report(STRANGER, entry.object_id, kind=entry.kind, customer=entry.customer_id, status=entry.status)
    if found.familiar:
        ids = [entry.object_id for entry in found.familiar]
        is_open = DriftFinding.kind == STRANGER, DriftFinding.resolved_at.is_(None)
        db.session.execute(
            update(DriftFinding).where(*is_open, DriftFinding.object_id.in_(ids)).values(resolved_at=sql.now()),
            execution_options={"synchronize_session": False},
        )


def _move(row: StripeCursor, page: Page) -> bool:
    """Go to the next page, the next list or the end. Returns whether it was the end."""
    row.after = page.after
    if page.after is not None:
        return False
    stages = list(LISTS)
    rest = stages[stages.index(row.stage or "") + 1 :]
    row.stage = rest[0] if rest else None
    if not rest:
        row.started_at, row.completed_at = None, sql.now()
    return not rest
