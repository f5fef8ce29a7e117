"""What every lease in a row has in common: when it is free, and how long to wait after a failure."""

import random
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Result, case, or_
from sqlalchemy import func as sql

from portal.models import OutboxRow, StripeObject

# How often in a row a lease may end without a word. Whoever held it was killed, or was stopped for longer than the
# lease: by chance now and then, by the row itself every time.
MAX_LAPSES = 10
OUTAGE_DELAY = timedelta(seconds=30)  # at most, so that nobody waits long once the other side is back
_DOUBLINGS = 10  # beyond that the maximum rules anyway


def is_free(row: type[OutboxRow] | type[StripeObject]) -> ColumnElement[bool]:
    """Nobody holds the lease, or its time is over by the database's clock."""
    return or_(row.lease_until.is_(None), row.lease_until < sql.now())


def lapses_with_this(row: type[OutboxRow] | type[StripeObject]) -> ColumnElement[int]:
    """For the claiming UPDATE: one more when the former holder never settled, else none."""
    return case((row.lease_token.is_(None), 0), else_=row.lapses + 1)


def waited_out(row: type[OutboxRow] | type[StripeObject], outages: int) -> dict[str, Any]:
    """For the UPDATE that gives the row back because the other side is away: the try is given back with it.

    ``outages``: how many went before this one in a row. An outage ends some day, however many tries it takes;
    counted, it would leave none for what goes wrong afterwards.
    """
    return {
        "next_at": sql.now() + growing_delay(outages + 1, OUTAGE_DELAY),
        "attempts": row.attempts - 1,
        "outages": row.outages + 1,
    }


def affected(result: Result[Any]) -> int:
    """How many rows an INSERT or UPDATE touched."""
    return cast(CursorResult[Any], result).rowcount


def growing_delay(attempts: int, maximum: timedelta) -> timedelta:
    """Doubles with each attempt up to ``maximum``, less up to half of it by chance.

    The chance keeps a hundred rows that failed together from coming back together.
    """
    whole = min(timedelta(seconds=2.0 ** min(attempts, _DOUBLINGS)), maximum)
    return whole * random.uniform(0.5, 1.0)  # noqa: S311  (no secret hangs on it)
