"""Are the sums what the events say? They are written together, so that a difference is damage."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy import func as sql

from portal import tenancy
from portal.extensions import db
from portal.models import UsageRetiredMonth
from portal.pricing.renewals import months_after

EVER = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)  # how far an event may count in the future (ingest.sql)
_HERE = Path(__file__)
SUMS = _HERE.with_name("sums.sql").read_text()
_VERIFY = SUMS + _HERE.with_name("verify.sql").read_text()


def differences() -> Sequence[Row[Any]]:
    """The bound tenant's sums that are not what its events add up to; none when all is well.

    Of periods that began after the last month whose events are gone.
    """
    given = {"tenant": tenancy.require_tenant(), "periods": None, "since": _kept_since()}
    return db.session.connection().exec_driver_sql(_VERIFY, given).all()


def _kept_since() -> datetime:
    """From when on all events are there. One may be recorded a little before the moment that it counts at."""
    last = db.session.scalar(select(sql.max(UsageRetiredMonth.month)))
    if last is None:
        return EVER
    return months_after(datetime.combine(last, time(), UTC), 1, 1) + AHEAD
