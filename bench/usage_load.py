"""Events as integrations send them: in batches and one by one, and the same rows as COPY takes them."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from bench import load
from bench.places import owner_connection
from portal import config, tenancy
from portal.app import create_app
from portal.ids import uuid7
from portal.models import PlanPrice, UsageCharge, UsagePeriod
from tests.pages import rows
from tests.support import database, keys

BATCH = 1_000
RESOURCES = ("api_calls", "storage_gb", "users")
SOURCES = ("web-1", "web-2", "web-3", "worker-1", "worker-2")
BATCH_PATH, SINGLE_PATH = "/api/v1/usage/batch", "/api/v1/usage"
Event = Mapping[str, Any]


def key_of(environment: Mapping[str, str], tenant_id: UUID) -> str:
    """A new API key of a tenant."""
    app = create_app("web", settings=config.load(environment))
    with app.app_context():
        with tenancy.bound(tenant_id):
            token = keys.made()
        database.dispose(app)
    return token


def headers(token: str) -> dict[str, str]:
    return {
        "Host": "127.0.0.1",
        "Accept": "*/*",
        "User-Agent": "python-requests/2.32",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {token}",
    }


def events(count: int, new_id: Callable[[], UUID] = uuid4) -> list[Event]:
    """New events of the last quarter of an hour; their ids are random unless ``new_id`` makes others."""
    now = datetime.now(UTC)
    return [
        {
            "event_id": str(new_id()),
            "resource_type": random.choice(RESOURCES),
            "quantity": random.randint(1, 999),
            "timestamp": (now - timedelta(milliseconds=random.randrange(900_000))).isoformat(),
            "source": random.choice(SOURCES),
        }
        for _ in range(count)
    ]


def batches(token: str, found: Sequence[Event]) -> list[bytes]:
    """Requests that report them, 1,000 in each."""
    pieces = (found[at : at + BATCH] for at in range(0, len(found), BATCH))
    return [load.request("POST", BATCH_PATH, headers(token), json.dumps(piece).encode()) for piece in pieces]


def singles(token: str, found: Sequence[Event]) -> list[bytes]:
    """Requests that report one each."""
    return [load.request("POST", SINGLE_PATH, headers(token), json.dumps(event).encode()) for event in found]


def copied(tenant_id: UUID, found: Sequence[Event]) -> Iterator[str]:
    """The same as lines for COPY, 1,000 in each piece."""
    for at in range(0, len(found), BATCH):
        yield "".join(
            f"{tenant_id}\t{each['event_id']}\t{each['resource_type']}\t{each['quantity']}\t{each['timestamp']}"
            f"\t{each['source']}\n"
            for each in found[at : at + BATCH]
        )


# As the portal writes them, in one statement: 15 sources and resources, over the month so far, four days at least.
_SEED = """
    WITH made AS (
        SELECT n, gen_random_uuid() AS id, gen_random_uuid()::text AS event_id,
            (ARRAY['api_calls', 'storage_gb', 'users'])[1 + n %% 3] AS resource_type,
            (1 + n %% 97)::numeric AS quantity,
            greatest(p.starts_at, %(now)s::timestamptz - interval '4 days' * (n::float8 / %(count)s)) AS counted_at,
            p.id AS period_id, 'source-' || n %% 5 AS source
        FROM generate_series(%(first)s::bigint, %(last)s) AS n, usage_periods p WHERE p.id = %(period)s
    ), keyed AS (
        INSERT INTO usage_keys (tenant_id, event_id, body_hash, id)
        SELECT %(tenant)s, event_id, sha256(event_id::bytea), id FROM made
    )
    INSERT INTO usage_events (tenant_id, recorded_at, id, resource_type, quantity, counted_at, period_id, event_id,
        source)
    SELECT %(tenant)s, counted_at, id, resource_type, quantity, counted_at, period_id, event_id, source FROM made"""
# The newest value of a sum, which no resource here asks for, is put as its highest.
_SUMS = """
    WITH hours AS (
        SELECT period_id, resource_type, source, date_trunc('hour', counted_at, 'UTC') AS at, sum(quantity) AS total,
            count(*) AS events, max(quantity) AS highest, max(counted_at) AS latest_at
        FROM usage_events WHERE tenant_id = %(tenant)s GROUP BY 1, 2, 3, 4
    ), placed AS (
        SELECT hours.*, grain, bucket_at FROM hours JOIN usage_periods p ON p.id = period_id CROSS JOIN LATERAL (VALUES
            ('hour', at), ('day', date_trunc('day', at, 'UTC')), ('period', p.starts_at)) AS b(grain, bucket_at)
    )
    INSERT INTO usage_rollups (tenant_id, period_id, resource_type, grain, bucket_at, source, slot, total, events,
        highest, latest, latest_at)
    SELECT %(tenant)s, period_id, resource_type, grain, bucket_at, source, 0, sum(total), sum(events), max(highest),
        max(highest), max(latest_at)
    FROM placed GROUP BY 2, 3, 4, 5, 6"""
_AT_ONCE = 1_000_000


def fill(environment: Mapping[str, str], tenant_id: UUID, count: int) -> None:
    """Let a tenant have reported so many events, with their ids and sums, past the portal's verbs."""
    now = datetime.now(UTC)
    begin, end = (datetime(now.year + number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in _months(now))
    period = uuid7()
    with owner_connection(environment) as connection:
        connection.execute(
            "INSERT INTO usage_periods (tenant_id, id, starts_at, ends_at, timezone) VALUES (%s, %s, %s, %s, 'UTC')",
            (tenant_id, period, begin, end),
        )
        given = {"tenant": tenant_id, "period": period, "count": count, "now": now}
        for first in range(1, count + 1, _AT_ONCE):
            connection.execute(_SEED, {**given, "first": first, "last": min(first + _AT_ONCE - 1, count)})
        connection.execute(_SUMS, given)
        connection.execute("VACUUM ANALYZE usage_keys, usage_events, usage_rollups")
        connection.execute("CHECKPOINT")  # what seeding left to be written is no part of what is measured


def charge_of(environment: Mapping[str, str], tenant_id: UUID) -> tuple[UUID, date]:
    """A charge for the calls of what :func:`fill` has made, past the portal's verbs, and a day of many events."""
    with rows.written(config.load(environment)) as session:
        price = {"plan_id": "starter", "interval": "month", "currency": "usd", "unit_amount_minor": 2900}
        session.add(PlanPrice(id=uuid7(), **price))
        session.flush()
        held = rows.subscription(session, tenant_id)
        period = session.scalars(select(UsagePeriod).where(UsagePeriod.tenant_id == tenant_id)).one()
        terms = {"subscription_id": held.id, "plan_id": held.plan_id, "currency": held.currency}
        priced = {"quantity": 1, "beyond": 1, "units": 1, "parts": [], "before_minor": 0, "amount_minor": 1}
        charge = UsageCharge(
            tenant_id=tenant_id, id=uuid7(), period_id=period.id, resource_type="api_calls", number=1, **terms, **priced
        )  # fmt: skip
        session.add(charge)
    return charge.id, max(period.starts_at, datetime.now(UTC) - timedelta(days=1)).date()


def _months(now: datetime) -> tuple[int, int]:
    """This month and the next, counted from the year's first, which is 0."""
    return now.month - 1, now.month
