"""A boundary of periods that became known after events were counted: they move to where they belong."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from portal import tenancy
from portal.extensions import db
from portal.usage.verify import EVER, SUMS

_HERE = Path(__file__)
_REBUILD = SUMS + _HERE.with_name("rebuild.sql").read_text()
_TOUCHED = _HERE.with_name("touched.sql").read_text()
_SUMMED = _HERE.with_name("summed.sql").read_text()
_HOURS = _HERE.with_name("hours.sql").read_text() + _SUMMED
_COARSER = _HERE.with_name("coarser.sql").read_text() + _SUMMED
# By resource, because the index is.
_REASSIGN = f"""
    WITH moved AS (
        UPDATE usage_events e SET period_id = p.id FROM usage_periods p
        WHERE e.tenant_id = %(tenant)s AND e.period_id = %(period)s AND e.resource_type = ANY(%(resources)s)
            AND e.counted_at >= %(from)s AND e.counted_at < %(to)s
            AND p.tenant_id = e.tenant_id AND p.id = ANY(%(open)s) AND p.id <> e.period_id
            AND e.counted_at >= p.starts_at AND e.counted_at < p.ends_at
        RETURNING e.resource_type, e.counted_at, %(period)s::uuid AS source_id, p.id AS target_id
    ) {_TOUCHED}"""  # noqa: S608  (a file of ours)
_SWALLOW = f"""
    WITH moved AS (
        UPDATE usage_events SET period_id = %(into)s WHERE tenant_id = %(tenant)s AND period_id = %(period)s
        RETURNING resource_type, counted_at, %(into)s::uuid AS source_id, %(into)s::uuid AS target_id
    ) {_TOUCHED}"""  # noqa: S608
# A period that begins later than it did: its first hour and day are others, and so is the whole.
_FORGET_BEFORE = """
    DELETE FROM {} s USING usage_periods p
    WHERE s.tenant_id = %(tenant)s AND s.period_id = ANY(%(periods)s) AND p.tenant_id = s.tenant_id
        AND p.id = s.period_id AND s.bucket_at < p.starts_at
    RETURNING s.period_id, s.resource_type, p.starts_at"""
_FORGET_SOME = """
    DELETE FROM {} s
    USING unnest(%(periods)s::uuid[], %(resources)s::text[], %(buckets)s::timestamptz[])
        AS d(period_id, resource_type, bucket_at)
    WHERE s.tenant_id = %(tenant)s AND s.period_id = d.period_id AND s.resource_type = d.resource_type
        AND s.grain = %(grain)s AND s.bucket_at = d.bucket_at"""
_FORGET = "DELETE FROM {} WHERE tenant_id = %(tenant)s AND period_id = ANY(%(periods)s)"
_HOLDERS = """
    SELECT DISTINCT d.period_id, d.resource_type,
        CASE %(grain)s WHEN 'period' THEN p.starts_at
            ELSE greatest(date_trunc('day', d.bucket_at, p.timezone), p.starts_at) END
    FROM unnest(%(periods)s::uuid[], %(resources)s::text[], %(buckets)s::timestamptz[])
        AS d(period_id, resource_type, bucket_at)
    JOIN usage_periods p ON p.tenant_id = %(tenant)s AND p.id = d.period_id"""
_SPANS = "SELECT id, starts_at, ends_at FROM usage_periods WHERE tenant_id = %(tenant)s AND id = ANY(%(open)s)"
_RESOURCES = "SELECT resource_type FROM resources"
# A merge of long periods, or sums that were damaged: rare, and no use to anybody half done.
_TAKE_TIME = "SET LOCAL statement_timeout = '15min'"
_SUMS = ("usage_rollups", "usage_uniques")
_DAY, _EVER = "26 hours", "100 years"  # at least as long as a bucket is: with a change of the clocks, or any period

Bucket = tuple[UUID, str, datetime]  # period, resource, where it begins


def settle(touched: Collection[UUID], swallowed: Mapping[UUID, UUID]) -> None:
    """Move events between open periods whose bounds have changed, and put the sums of both sides right.

    ``touched``: all open periods, as they are in the database now. ``swallowed``: those of them that go, by which one
    takes what they had; their rows are the caller's to delete. Needs :func:`portal.usage.locks.alone`. Does not
    commit. Its cost grows with the events that move and those of the hours that a boundary cuts, not with the others:
    hours are made anew from events, days from hours, periods from days (of different values: from those of its days).
    """
    open_ids = [period_id for period_id in touched if period_id not in swallowed]
    _run(_TAKE_TIME)
    hours: set[Bucket] = set()
    for period_id, into in swallowed.items():
        hours.update(_rows(_SWALLOW, period=period_id, into=into))
    for table in _SUMS:
        _run(_FORGET.format(table), periods=list(swallowed))
    resources = [name for (name,) in _rows(_RESOURCES)]
    for period_id, starts_at, ends_at in _rows(_SPANS, open=open_ids):
        asked = {"period": period_id, "open": open_ids, "resources": resources}
        for begins, ends in (("-infinity", starts_at), (ends_at, "infinity")):
            hours.update(_rows(_REASSIGN, **asked, **{"from": begins, "to": ends}))
    for table in _SUMS:
        hours.update(_rows(_FORGET_BEFORE.format(table), periods=open_ids))
    _sum_some(hours)


def sum_anew(period_ids: Collection[UUID]) -> None:
    """Make the sums of these periods from all their events, which have to be there. Needs and does as :func:`settle`,
    but its cost grows with all these events: for sums that were damaged.
    """
    _run(_TAKE_TIME)
    given = {"periods": list(period_ids), "since": EVER}
    for table in _SUMS:
        _run(_FORGET.format(table), **given)
    _run(_REBUILD, **given)


def _sum_some(hours: Collection[Bucket]) -> None:
    """These hours from their events; the days that hold them from their hours; their periods from their days."""
    if not hours:
        return
    given = _columns(hours)
    _replace(_HOURS, given, grain="hour")
    days = _columns(_rows(_HOLDERS, grain="day", **given))
    _replace(_COARSER, days, grain="day", finer="hour", length=_DAY)
    periods = _columns(_rows(_HOLDERS, grain="period", **given))
    _replace(_COARSER, periods, grain="period", finer="day", length=_EVER)


def _replace(statement: str, given: Mapping[str, Any], **more: Any) -> None:
    for table in _SUMS:
        _run(_FORGET_SOME.format(table), **given, **more)
    _run(statement, **given, **more)


def _columns(buckets: Iterable[Bucket]) -> dict[str, list[Any]]:
    rows = sorted(buckets)
    return {name: [row[place] for row in rows] for place, name in enumerate(("periods", "resources", "buckets"))}


def _run(statement: str, **given: Any) -> None:
    db.session.connection().exec_driver_sql(statement, {"tenant": tenancy.require_tenant(), **given})


def _rows(statement: str, **given: Any) -> list[Any]:
    found = db.session.connection().exec_driver_sql(statement, {"tenant": tenancy.require_tenant(), **given})
    return [tuple(row) for row in found]
