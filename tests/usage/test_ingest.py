"""A batch of usage: what counts, what does not, and what the sums say at once."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from portal import clock, tenancy
from portal.extensions import db
from portal.models import UsageRollup
from portal.usage import ingest
from tests.support.shopping import make_tenant
from tests.usage.metered import call, send, stored, total


def test_without_an_id_every_report_counts(metered):
    assert send(metered, call(3), call(3)) == ["accepted"] * 2
    assert send(metered, call(3)) == ["accepted"]
    assert (total(metered), stored(metered)) == (9, 3)
    assert total(metered, grain="day") == total(metered, grain="hour") == 9


def test_with_an_id_it_counts_once_for_ever(metered):
    assert send(metered, call(3, event_id="a"), call(4, event_id="b")) == ["accepted"] * 2
    assert send(metered, call(3, event_id="a"), call(9, event_id="b"), call(1, event_id="c")) == [
        "duplicate", "conflict", "accepted",
    ]  # fmt: skip
    assert send(metered, call(5, event_id="d"), call(5, event_id="d"), call(6, event_id="d")) == [
        "accepted", "duplicate", "conflict",
    ]  # fmt: skip
    assert (total(metered), stored(metered)) == (3 + 4 + 1 + 5, 4)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"resource_type": "nothing", "quantity": 1}, "unknown_resource"),
        ({"quantity": 1}, "unknown_resource"),
        (call(None), "invalid_quantity"),
        (call("many"), "invalid_quantity"),
        (call("NaN"), "invalid_quantity"),
        (call("Infinity"), "invalid_quantity"),
        (call("1e100000"), "invalid_quantity"),
        (call(True), "invalid_quantity"),
        (call([1]), "invalid_quantity"),
        (call(-1), "negative_quantity"),
        (call(-1, corrects="never"), "negative_quantity"),
        (call("1234567890123456"), "too_many_digits"),
        (call("1234567.123456789"), "too_many_digits"),
        (call("0.0000000001"), "too_many_digits"),
        (call("1e16"), "too_many_digits"),
        (call(1, timestamp="yesterday"), "invalid_time"),
        (call(1, timestamp="infinity"), "invalid_time"),
        (call(1, timestamp="2026-02-31T00:00:00Z"), "invalid_time"),
        (call(1, timestamp=1700000000), "invalid_time"),
        (call(1, timestamp="2026-01-31T00:00:00Z02"), "invalid_time"),
        (call(1, timestamp="2026-01-31T00:00:0012Z"), "invalid_time"),
        (call(1, timestamp="2026-01-31T00:00:00.Z"), "invalid_time"),
        (call(1, timestamp="2026-01-31T00:00:00+3:05"), "invalid_time"),
        (call(1, timestamp="2026-01-31T00:00:00+03:"), "invalid_time"),
        (call(1, timestamp="2026-01-31T00:00:00.5Z32"), "invalid_time"),
        (call(1, event_id=""), "invalid_event_id"),
        (call(1, event_id="x" * 256), "invalid_event_id"),
        (call(1, source="x" * 101), "invalid_source"),
        (call(1, unit="gallons"), "other_unit"),
        ({"resource_type": "visitors", "quantity": 1}, "missing_value"),
    ],
)
def test_one_bad_item_spoils_nothing(metered, event, reason):
    with tenancy.bound(metered):
        receipt = ingest.record(json.dumps([call(2, event_id="good"), event, call(3, unit="requests")]))
    assert [receipt.status(index) for index in range(3)] == ["accepted", "rejected", "accepted"]
    assert receipt.reasons == {1: reason}
    assert (total(metered), stored(metered)) == (5, 2)


def test_the_contracts_body_is_taken_verbatim_and_is_late(metered):
    """Its time lies in a month that was closed long ago: it goes to the period that is open."""
    body = call(
        100, unit="requests", period_start="2024-01-01T00:00:00Z", period_end="2024-01-31T23:59:59Z", source="api"
    )
    assert send(metered, body) == ["late"]
    assert total(metered) == 100


def test_what_lies_ahead(metered):
    now = clock.now()
    minutes = lambda number: (now.replace(microsecond=0) + timedelta(minutes=number)).isoformat()  # noqa: E731
    assert send(metered, call(1, timestamp=minutes(4)), call(1, timestamp=minutes(6))) == ["accepted", "rejected"]
    body = call(2, period_start=minutes(-1), period_end="2099-01-01T00:00:00")
    assert send(metered, body) == ["accepted"]


def test_each_aggregation_keeps_what_it_needs(metered):
    now = clock.now()
    assert (
        send(
            metered,
            {"resource_type": "level", "quantity": "0.000000001", "timestamp": now.isoformat()},
            {"resource_type": "level", "quantity": "1.5", "timestamp": (now - timedelta(minutes=1)).isoformat()},
            {"resource_type": "users", "quantity": 7},
            {"resource_type": "users", "quantity": 5},
            *({"resource_type": "visitors", "quantity": 1, "value": who} for who in ("ada", "bob", "ada")),
        )
        == ["accepted"] * 7
    )
    assert send(metered, {"resource_type": "visitors", "quantity": 1, "value": "bob"}) == ["accepted"]
    assert total(metered, "visitors") == 2
    with tenancy.bound(metered):
        kept = {row.resource_type: row for row in db.session.scalars(db.select(UsageRollup).filter_by(grain="period"))}
    assert kept["users"].highest == 7
    assert kept["level"].latest == Decimal("0.000000001")


def test_a_correction_names_what_it_corrects(metered):
    assert send(metered, call(10, event_id="a")) == ["accepted"]
    assert send(metered, call(-4, event_id="a-again", corrects="a")) == ["accepted"]
    assert total(metered) == 6


def test_cloud_events(metered):
    event = {
        "specversion": "1.0", "id": "1", "source": "/gateway", "type": "usage", "time": "2026-11-01T00:00:00Z",
        "data": {"resource_type": "api_calls", "quantity": 5},
    }  # fmt: skip
    plain = {**event, "source": "/other", "type": "api_calls", "data": {"quantity": 2}}
    with tenancy.bound(metered):
        for status in ("accepted", "duplicate"):
            receipt = ingest.record(json.dumps([event, plain]))
            assert {receipt.status(0), receipt.status(1)} <= {status, "late"}
    assert total(metered) == 7


def test_another_tenants_ids_are_its_own(metered):
    other = make_tenant()
    assert send(metered, call(1, event_id="a")) == ["accepted"]
    assert send(other, call(2, event_id="a")) == ["accepted"]
    assert (total(metered), total(other)) == (1, 2)


@pytest.mark.parametrize("body", ["", "{", "5", '{"quantity": 1}', "null", "[" * 100_000])
def test_what_is_no_list_of_events_is_refused_whole(metered, body):
    with tenancy.bound(metered), pytest.raises(ingest.BadBatch):
        ingest.record(body)
    assert stored(metered) == 0


@pytest.mark.parametrize("item", ["5", "[]", "null", '{"source": "\\u0000"}', '{"source": "\\ud800"}'])
def test_what_postgresql_cannot_read_spoils_nothing(metered, item):
    """In an array and in lines."""
    good = json.dumps(call(2))
    for record, body in ((ingest.record, f"[{good},{item}]"), (ingest.record_lines, f"{good}\n\n{item}\n")):
        with tenancy.bound(metered):
            receipt = record(body)
            assert (receipt.items, receipt.status(0), receipt.reasons) == (2, "accepted", {1: "not_readable"})
    assert total(metered) == 4


def test_a_line_is_one_event(metered):
    with tenancy.bound(metered):
        receipt = ingest.record_lines(
            '{"resource_type": "api_calls", "quantity": 1}, {"resource_type": "api_calls"}\n{'
        )
    assert receipt.reasons == {0: "not_readable", 1: "not_readable"}
    assert stored(metered) == 0


def test_one_more_than_a_batch_holds(metered):
    with tenancy.bound(metered), pytest.raises(ingest.TooManyItems):
        ingest.record(json.dumps([call()] * (ingest.MOST_ITEMS + 1)))
    assert stored(metered) == 0
