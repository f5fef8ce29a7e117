"""Any order, batching, repeating and retrying of the same events makes the same sums, which are what they add up to."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update

from portal import tenancy
from portal.extensions import db
from portal.models import Resource, Tenant
from portal.usage import ingest, verify
from tests.pages import rows
from tests.support.shopping import make_tenant

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
# With a change of the clocks, half an hour beside the others, the first and the last day of the world.
ZONES = ("UTC", "America/New_York", "Europe/Madrid", "Asia/Kolkata", "Pacific/Kiritimati", "Pacific/Pago_Pago")
KINDS = {"api_calls": "sum", "users": "max", "level": "last", "visitors": "unique"}
events = st.lists(
    st.builds(
        lambda kind, units, decimals, minutes, source, value: {
            "resource_type": kind,
            "quantity": str(Decimal(units).scaleb(-decimals)),
            "timestamp": (NOW - timedelta(minutes=minutes)).isoformat(),
            "source": source,
            "value": value,
        },
        kind=st.sampled_from(sorted(KINDS)),
        units=st.integers(0, 10**15 - 1),
        decimals=st.integers(0, 9),
        minutes=st.integers(0, 60 * 24 * 40),  # the earlier ones lie in a month that is over
        source=st.sampled_from(["", "gateway", "netbox"]),
        value=st.sampled_from(["ada", "bob", "eve"]),
    ),
    min_size=1,
    max_size=30,
)


@pytest.fixture(name="metering")
def fixture_metering(settings, web, monkeypatch):
    with rows.written(settings) as session:
        for resource_type in ("level", "visitors"):
            session.add(Resource(resource_type=resource_type, aggregation=KINDS[resource_type], names={}))
    monkeypatch.setattr("portal.clock.now", lambda: NOW)
    return settings


def customer(metering, zone):
    tenant_id = make_tenant()
    with rows.written(metering) as session:
        session.execute(update(Tenant).where(Tenant.id == tenant_id).values(timezone=zone))
    return tenant_id


def sums(tenant_id):
    """By resource, source and bucket, over the slots."""
    with tenancy.bound(tenant_id):
        assert verify.differences() == []
        return db.session.execute(
            text("""SELECT resource_type, grain, bucket_at, source, sum(total), sum(events), max(highest),
                        (array_agg(latest ORDER BY latest_at DESC, latest DESC))[1], max(latest_at)
                    FROM usage_rollups GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""")
        ).all()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=events, zone=st.sampled_from(ZONES), chance=st.randoms(use_true_random=False))
def test_the_same_events_make_the_same_sums(metering, made, zone, chance):
    named = [{**event, "event_id": f"e{number}"} for number, event in enumerate(made)]
    one, other = customer(metering, zone), customer(metering, zone)
    with tenancy.bound(one):
        assert ingest.record(json.dumps(named)).count("rejected") == 0
    repeated = [*named, *chance.choices(named, k=len(named))]
    chance.shuffle(repeated)
    while repeated:
        size = chance.randint(1, len(repeated))
        batch, repeated = repeated[:size], repeated[size:]
        with tenancy.bound(other):
            receipt = ingest.record(json.dumps(batch))
            assert receipt.count("conflict") == receipt.count("rejected") == 0
    assert sums(one) == sums(other)


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_is_the_tenants_own(metering, zone):
    """One event in each hour of three days; each day's sum has those that fall on it there."""
    tenant_id = customer(metering, zone)
    hours = [NOW - timedelta(hours=number) for number in range(72)]
    with tenancy.bound(tenant_id):
        ingest.record(
            json.dumps([{"resource_type": "api_calls", "quantity": 1, "timestamp": at.isoformat()} for at in hours])
        )
    days = [at.astimezone(ZoneInfo(zone)).date() for at in hours]
    found = [(row.bucket_at, row[4]) for row in sums(tenant_id) if row.grain == "day"]
    assert {at.astimezone(ZoneInfo(zone)).date(): number for at, number in found} == {
        day: days.count(day) for day in days
    }
