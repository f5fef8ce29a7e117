"""A period's usage as a file of comma-separated values, a line for each day (or hour) and source."""

import re
from collections.abc import Iterator
from datetime import UTC
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal import tenancy
from portal.csv_cells import harmless, line, plain
from portal.extensions import db
from portal.models import Tenant
from portal.usage import figures
from portal.usage.look import Detail, Period
from portal.usage.series import day

COLUMNS = ("start_utc", "local_day", "resource_type", "source", "quantity", "unit", "events")
ROWS_AT_ONCE = 500
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9-]+")


def file_name(shown: Period, detail: Detail) -> str:
    """By tenant, resource and what is looked at: ``acme-api_calls-2026-11-01-2026-11-30.csv``."""
    first, last = shown.days_of(detail.period)
    span = [detail.on.isoformat()] if detail.on else [first.isoformat(), last.isoformat()]
    source = [_NOT_IN_A_NAME.sub("-", detail.source.lower()).strip("-")] if detail.source else []
    parts = [slug(), detail.resource.resource_type, *source, *span]
    return f"{'-'.join(part for part in parts if part)}.csv"


def slug() -> str:
    """The bound tenant's short name."""
    return db.session.get_one(Tenant, tenancy.require_tenant()).slug


def lines(shown: Period, detail: Detail) -> Iterator[str]:
    """The file, read while it is sent: times in UTC, days in the tenant's zone, decimals with all their digits.

    A text that a spreadsheet would calculate begins with an apostrophe. The rows are read on a session of their own:
    that of the request has ended when they are sent.
    """
    # A day whose hours are no longer kept is a line of its own.
    resource, grain = detail.resource, "hour" if detail.on and detail.hours else "day"
    within = day(detail.on, shown.zone) if detail.on else None
    wanted = figures.by_bucket_and_source(detail.period.id, resource.resource_type, grain, detail.source, within)
    session = Session(db.engine, info={"binding": tenancy.current()})
    return _lines(session, wanted, shown.zone, (resource.resource_type, resource.unit))


def _lines(session: Session, wanted: figures.Sums, zone: ZoneInfo, resource: tuple[str, str]) -> Iterator[str]:
    name, unit = resource
    yield line(COLUMNS)
    with session:
        for row in session.execute(wanted.execution_options(yield_per=ROWS_AT_ONCE)):
            start = f"{row.bucket_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            local_day = row.bucket_at.astimezone(zone).date().isoformat()
            yield line((start, local_day, name, harmless(row.source), plain(figures.quantity(row)), unit, row.events))
