"""Does all of usage say the same: ids, events, sums, charges? It is written together: a difference is damage."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy import func as sql

from portal import tenancy
from portal.extensions import db
from portal.models import UsageRetiredMonth
from portal.pricing.renewals import months_after

EVER = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)  # how far an event may count in the future (ingest.sql)
_HERE = Path(__file__)
SUMS = _HERE.with_name("sums.sql").read_text()
_VERIFY, _UNIQUES = (SUMS + _HERE.with_name(name).read_text() for name in ("verify.sql", "uniques.sql"))
_HOLES = _HERE.with_name("holes.sql").read_text()
# All events of a tenant are gone through: what no request may take.
_PATIENTLY = text("SET LOCAL statement_timeout = '6h'")


def differences() -> Sequence[Row[Any]]:
    """The bound tenant's sums that are not what its events add up to; none when all is well.

    Of periods that began after the last month whose events are gone. From here on a statement of this transaction may
    take hours.
    """
    return _asked(_VERIFY)


def values() -> Sequence[Row[Any]]:
    """As :func:`differences`, of the different values that were seen; ``period_id`` is where, ``said`` how they differ.

    ``what``, ``name`` and ``at`` tell which they are.
    """
    return _asked(_UNIQUES)


def holes() -> Sequence[Row[Any]]:
    """As :func:`values`, what is there of the bound tenant's usage without what belongs to it.

    Events and sums of no period; ids without their event, unless that is gone with its month; events with an id that
    is not kept; charges of another quantity than their closed period's.
    """
    return _asked(_HOLES)


def _asked(statement: str) -> Sequence[Row[Any]]:
    given = {"tenant": tenancy.require_tenant(), "periods": None, "since": _kept_since()}
    db.session.execute(_PATIENTLY)
    return db.session.connection().exec_driver_sql(statement, given).all()


def _kept_since() -> datetime:
    """From when on all events are there. One may be recorded a little before the moment that it counts at."""
    last = db.session.scalar(select(sql.max(UsageRetiredMonth.month)))
    if last is None:
        return EVER
    return months_after(datetime.combine(last, time(), UTC), 1, 1) + AHEAD
