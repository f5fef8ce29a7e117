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
# A leap day, a year and two months have just ended there, or are about to; in the last one clocks were put back.
EDGES = ((2028, 3, 1), (2028, 2, 29), (2027, 1, 1), (2026, 12, 1), (2026, 11, 1))
AHEAD = 5 * 60
ages = st.one_of(
    st.integers(-AHEAD, 10 * 60),  # of seconds: on both sides of what has just ended
    st.integers(0, 60 * 24 * 40).map(lambda minutes: minutes * 60),  # the earlier ones lie in a month that is over
)


@st.composite
def reports(draw):
    """Events with and without an id; of some that add up a part is taken back, in one step or two."""
    made = []
    for number in range(draw(st.integers(1, 20))):
        kind, units, decimals = draw(st.sampled_from(sorted(KINDS))), draw(st.integers(0, 10**15 - 1)), draw(nines)
        event = {"resource_type": kind, "quantity": quantity(units, decimals), "age": draw(ages), **draw(particulars)}
        if draw(st.booleans()):
            event["event_id"] = f"e{number}"
            if kind == "api_calls":
                made += draw(corrections(event, units, decimals))
        made.append(event)
    return made


@st.composite
def corrections(draw, event, units, decimals):
    """Together at most what was reported; with a time of their own, or counting when what they correct does."""
    found = []
    for number in range(draw(st.integers(0, 2))):
        part = draw(st.integers(0, units))
        units -= part
        one = {"resource_type": "api_calls", "quantity": quantity(-part, decimals), "corrects": event["event_id"]}
        named = {"event_id": f"{event['event_id']}-{number}"} if draw(st.booleans()) else {}
        found.append({**one, **named, **draw(particulars), "age": draw(st.one_of(st.none(), ages))})
    return found


def quantity(units, decimals):
    return str(Decimal(units).scaleb(-decimals))


nines = st.integers(0, 9)
particulars = st.fixed_dictionaries(
    {"source": st.sampled_from(["", "gateway", "netbox"]), "value": st.sampled_from(["ada", "bob", "eve"])}
)


def timed(made, now):
    """The events as they are sent: their age, in seconds, is counted from ``now``."""
    sent = []
    for event in made:
        age = event["age"]
        at = {} if age is None else {"timestamp": (now - timedelta(seconds=age)).isoformat()}
        sent.append({**{name: value for name, value in event.items() if name != "age"}, **at})
    return sent


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


def as_array(batch):
    receipt = ingest.record(json.dumps(batch))
    return [receipt.status(index) for index in range(receipt.items)]


def as_lines(batch):
    receipt = ingest.record_lines("\n".join(json.dumps(event) for event in batch))
    return [receipt.status(index) for index in range(receipt.items)]


def one_by_one(batch):
    found = []
    for event in batch:
        try:
            found.append(ingest.record_one(json.dumps(event)))
        except ingest.Rejected:
            db.session.rollback()
            found.append("rejected")
    return found


def delivered(waiting, chance):
    """All of these in pieces, each by one of the ways that there are; what is refused, and which those are.

    What corrects another one is refused until that is there; it is sent again.
    """
    refused = []
    while waiting:
        size = chance.randint(1, len(waiting))
        batch, waiting = waiting[:size], waiting[size:]
        statuses = chance.choice((as_array, as_lines, one_by_one))(batch)
        assert "conflict" not in statuses
        refused += [event for event, status in zip(batch, statuses, strict=True) if status == "rejected"]
    return refused


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=reports(),
    zone=st.sampled_from(ZONES),
    edge=st.sampled_from(EDGES),
    seconds=st.sampled_from((-AHEAD, -61, 0, 1, 60, 3 * 3600)),
    chance=st.randoms(use_true_random=False),
)
def test_the_same_events_make_the_same_sums(metering, monkeypatch, made, zone, edge, seconds, chance):
    now = datetime(*edge, tzinfo=ZoneInfo(zone)).astimezone(UTC) + timedelta(seconds=seconds)
    monkeypatch.setattr("portal.clock.now", lambda: now)
    sent = timed(made, now)
    one, other = customer(metering, zone), customer(metering, zone)
    with tenancy.bound(one):
        chance.shuffle(sent)
        assert set(as_array(sent)) <= {"accepted", "late"}
    named = [event for event in sent if "event_id" in event]
    repeated = [*sent, *(chance.choices(named, k=len(named)) if named else ())]
    chance.shuffle(repeated)
    with tenancy.bound(other):
        refused = delivered(repeated, chance)
        assert all("corrects" in event for event in refused)
        assert delivered(refused, chance) == []
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
