"""What the demo's plans sell beyond what they include, and what its tenants used in three months and since."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import business_time, tenancy
from portal.extensions import db
from portal.models import PlanResource, Tenant, UsagePeriod
from portal.usage import ingest, periods

# By plan and resource: included (None: what the plan's limits say), package, and tiers of up to how many packages for
# how many minor units each. Without tiers the limit is a hard one.
TERMS: dict[tuple[str, str], tuple[int | None, int, tuple[tuple[int | None, int], ...]]] = {
    ("free", "users"): (3, 1, ()),
    ("starter", "api_calls"): (None, 1000, ((50, 40), (None, 25))),
    ("starter", "storage_gb"): (None, 1, ((None, 25),)),
    ("starter", "users"): (10, 1, ()),
    ("professional", "api_calls"): (None, 1000, ((200, 30), (None, 20))),
    ("professional", "storage_gb"): (None, 10, ((None, 200),)),
    ("professional", "users"): (25, 1, ((None, 500),)),
    ("enterprise", "api_calls"): (None, 1000, ((None, 10),)),
    ("enterprise", "storage_gb"): (None, 10, ((None, 150),)),
    ("enterprise", "users"): (100, 1, ((None, 300),)),
}


class Habit(NamedTuple):
    """How a tenant uses what there is: calls on a working day, gigabytes and people at the beginning.

    One is over what the starter includes, the other near the limits of the free plan, which it will reach soon.
    """

    calls: int
    storage_gb: Decimal
    users: int


MONTHS_BEFORE = 3
HABITS = {"acme": Habit(470, Decimal(38), 7), "globex": Habit(32, Decimal("3.1"), 2)}
_WEEKEND = Decimal("0.3")
_BY_HOUR = (1, 1, 1, 1, 1, 2, 3, 5, 8, 9, 9, 8, 6, 7, 9, 9, 8, 6, 4, 3, 2, 2, 1, 1)


def seed_terms() -> None:
    """What lies beyond; terms that exist stay as they are. Runs as the owner."""
    currency = current_app.extensions["settings"].currency
    for (plan_id, resource_type), (included, package, tiers) in TERMS.items():
        stored = [{"up_to": up_to, "unit_amount_decimal": str(amount)} for up_to, amount in tiers]
        db.session.execute(
            insert(PlanResource)
            .values(
                plan_id=plan_id, resource_type=resource_type, included=included, package_size=package,
                limit_kind="soft" if tiers else "hard", tiers={currency: stored} if tiers else {},
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
    db.session.commit()


def seed_usage(tenant_id: UUID, slug: str) -> None:
    """Three months of usage and this month's of a demo tenant that has none yet; each event has an id of its own."""
    with tenancy.bound(tenant_id):
        if db.session.scalars(select(UsagePeriod.id).limit(1)).first() is not None:
            return
        now = business_time.now()
        zone = ZoneInfo(db.session.get_one(Tenant, tenant_id).timezone)
        begins = periods.calendar_month(now, zone).start
        for _ in range(MONTHS_BEFORE):
            begins = periods.calendar_month(begins - timedelta(days=1), zone).start
        at = begins
        while at <= now:
            at = periods.begin(at).ends_at
        # Committed with the periods: a seed that is cut off has left neither.
        ingest.record(json.dumps(list(_events(slug, HABITS[slug], begins, now))))


def _events(slug: str, habit: Habit, begins: datetime, now: datetime) -> Iterator[dict[str, Any]]:
    day, number = begins, 0
    while day < now:
        growth = 1 + Decimal(number) / 240
        busy = growth * (_WEEKEND if day.astimezone(UTC).weekday() >= 5 else 1)
        for hour, weight in enumerate(_BY_HOUR):
            calls = int(habit.calls * busy * weight * _chance(slug, day, hour) / sum(_BY_HOUR))
            yield from _event(slug, "api_calls", calls, day + timedelta(hours=hour), now, "api-gateway")
        nightly = int(habit.calls * busy * _chance(slug, day, 99) / 4)
        yield from _event(slug, "api_calls", nightly, day + timedelta(hours=2), now, "nightly-export")
        stored = (habit.storage_gb * growth).quantize(Decimal("0.1"))
        yield from _event(slug, "storage_gb", stored, day + timedelta(hours=4), now, "storage-monitor")
        yield from _event(slug, "users", habit.users + number // 25, day + timedelta(hours=4), now, "directory")
        day, number = day + timedelta(days=1), number + 1


def _event(
    slug: str, resource_type: str, quantity: Decimal | int, at: datetime, now: datetime, source: str
) -> Iterator[dict[str, Any]]:
    at += timedelta(minutes=17)
    if at <= now and quantity:
        moment = at.astimezone(UTC).isoformat()
        yield {
            "event_id": f"demo:{slug}:{resource_type}:{source}:{moment}", "resource_type": resource_type,
            "quantity": str(quantity), "timestamp": moment, "source": source,
        }  # fmt: skip


def _chance(slug: str, day: datetime, salt: int) -> Decimal:
    """Between 0.8 and 1.2, the same for the same day."""
    digest = hashlib.sha256(f"{slug} {day.isoformat()} {salt}".encode()).digest()
    return Decimal("0.8") + Decimal(digest[0]) / 640
