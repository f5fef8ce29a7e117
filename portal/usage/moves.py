"""A boundary of periods that became known after events were counted: they move to where they belong."""

from collections.abc import Collection, Mapping
from pathlib import Path
from uuid import UUID

from portal import tenancy
from portal.extensions import db
from portal.usage.verify import EVER, SUMS

_REBUILD = SUMS + Path(__file__).with_name("rebuild.sql").read_text()
# What came late was given to a period that was open then, and stays there.
_REASSIGN = """
    UPDATE usage_events e SET period_id = p.id FROM usage_periods p
    WHERE e.tenant_id = %(tenant)s AND e.period_id = ANY(%(periods)s) AND NOT e.is_late
        AND p.tenant_id = e.tenant_id AND p.id = ANY(%(periods)s) AND p.id <> e.period_id
        AND e.counted_at >= p.starts_at AND e.counted_at < p.ends_at"""
_SWALLOW = "UPDATE usage_events SET period_id = %(into)s WHERE tenant_id = %(tenant)s AND period_id = %(period)s"
_FORGET = "DELETE FROM {} WHERE tenant_id = %(tenant)s AND period_id = ANY(%(periods)s)"


def settle(touched: Collection[UUID], swallowed: Mapping[UUID, UUID]) -> None:
    """Move events between open periods whose bounds have changed, and make the sums of these periods anew.

    ``touched``: all of them, as they are in the database now. ``swallowed``: those that go, by which one takes what
    they had; their rows are the caller's to delete. Needs :func:`portal.usage.locks.alone`. Does not commit. Its cost
    grows with the events of these periods; bounds move when a subscription begins, ends or changes, not in between.
    """
    connection = db.session.connection()
    tenant_id = tenancy.require_tenant()
    for period_id, into in swallowed.items():
        connection.exec_driver_sql(_SWALLOW, {"tenant": tenant_id, "period": period_id, "into": into})
    all_of_them = list({*touched, *swallowed})
    connection.exec_driver_sql(_REASSIGN, {"tenant": tenant_id, "periods": all_of_them})
    sum_anew(all_of_them)


def sum_anew(period_ids: Collection[UUID]) -> None:
    """Make the sums of these periods from their events, which have to be there. Needs and does as :func:`settle`."""
    connection = db.session.connection()
    given = {"tenant": tenancy.require_tenant(), "periods": list(period_ids), "since": EVER}
    for table in ("usage_rollups", "usage_uniques"):
        connection.exec_driver_sql(_FORGET.format(table), given)
    connection.exec_driver_sql(_REBUILD, given)
