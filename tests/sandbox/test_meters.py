"""Meters and usage: what is counted, dropped, cancelled, and how it is summed up."""

import time
import uuid
from decimal import Decimal
from typing import Any

import pytest
import stripe

from sandbox.contract import load

from .conftest import Sandbox

MINUTE, HOUR, DAY = 60, 3600, 86400


def meter_of(sandbox: Sandbox, formula: str = "sum", **more: Any) -> stripe.billing.Meter:
    params: Any = {
        "display_name": "Calls",
        "event_name": f"calls_{uuid.uuid4().hex}",
        "default_aggregation": {"formula": formula},
        **more,
    }
    return sandbox.client.v1.billing.meters.create(params)


def report(sandbox: Sandbox, meter: stripe.billing.Meter, customer: str, value: str = "1", **more: Any) -> str:
    params: Any = {
        "event_name": meter.event_name,
        "payload": {"stripe_customer_id": customer, "value": value},
        **more,
    }
    return sandbox.client.v1.billing.meter_events.create(params).identifier


def used(sandbox: Sandbox, meter: stripe.billing.Meter, customer: str, start: int, end: int, **more: Any) -> list[Any]:
    params: Any = {"customer": customer, "start_time": start, "end_time": end, **more}
    found = sandbox.client.v1.billing.meters.event_summaries.list(meter.id, params).data
    return [each.aggregated_value for each in found]


@pytest.fixture
def customer(shared: Sandbox) -> str:
    return shared.client.v1.customers.create({}).id


@pytest.fixture
def hour() -> int:
    """The start of an hour, some hours ago."""
    return (int(time.time()) // HOUR - 30) * HOUR


@pytest.mark.parametrize(("formula", "total"), [("sum", 17.5), ("count", 3), ("last", 4)])
def test_formulas(shared: Sandbox, customer: str, hour: int, formula: str, total: float) -> None:
    meter = meter_of(shared, formula)
    for value, second in (("10", 60), ("4", 180), ("3.5", 120)):
        report(shared, meter, customer, value, timestamp=hour + second)
    assert used(shared, meter, customer, hour, hour + HOUR) == [total]
    assert used(shared, meter, customer, hour + HOUR, hour + 2 * HOUR) == [0]


def test_bounds_are_half_open_and_customers_apart(shared: Sandbox, customer: str, hour: int) -> None:
    meter = meter_of(shared)
    other = shared.client.v1.customers.create({}).id
    for second, value in ((-1, "1000"), (0, "1"), (MINUTE - 1, "2"), (MINUTE, "1000")):
        report(shared, meter, customer, value, timestamp=hour + second)
    report(shared, meter, other, "50", timestamp=hour)
    assert used(shared, meter, customer, hour, hour + MINUTE) == [3]
    assert used(shared, meter, other, hour, hour + MINUTE) == [50]


def test_summaries_by_hours_and_days(shared: Sandbox, customer: str, hour: int) -> None:
    meter = meter_of(shared)
    for step, value in ((0, "1"), (0, "2"), (2, "5")):
        report(shared, meter, customer, value, timestamp=hour + step * HOUR + 7)
    grouped: Any = {"value_grouping_window": "hour"}
    assert used(shared, meter, customer, hour, hour + 3 * HOUR, **grouped) == [5, 0, 3]
    day = hour // DAY * DAY
    assert sum(used(shared, meter, customer, day, day + 2 * DAY, value_grouping_window="day")) == 8
    api = shared.client.v1.billing.meters.event_summaries
    params: Any = {"customer": customer, "start_time": hour, "end_time": hour + 30 * HOUR, "limit": 7, **grouped}
    pages = [each.start_time for each in api.list(meter.id, params).auto_paging_iter()]
    assert pages == [hour + step * HOUR for step in reversed(range(30))]


@pytest.mark.parametrize(
    ("start", "end", "window"), [(1, 60, None), (0, 61, None), (60, 60, None), (60, 3600, "hour"), (3600, 86400, "day")]
)
def test_bounds_that_are_not_aligned(shared: Sandbox, customer: str, start: int, end: int, window: str | None) -> None:
    more = {} if window is None else {"value_grouping_window": window}
    with pytest.raises(stripe.InvalidRequestError):
        used(shared, meter_of(shared), customer, start, end, **more)


def test_an_identifier_counts_once_in_a_day(sandbox: Sandbox) -> None:
    customer = sandbox.client.v1.customers.create({}).id
    meter = meter_of(sandbox)
    report(sandbox, meter, customer, "5", identifier="once")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        report(sandbox, meter, customer, "5", identifier="once")
    assert caught.value.code == "duplicate_meter_event"
    sandbox.control("clock", {"advance_seconds": DAY})
    report(sandbox, meter, customer, "7", identifier="once")
    now = int(time.time()) + DAY
    # A second event under an old identifier does not take the place of the first.
    assert used(sandbox, meter, customer, (now - 2 * DAY) // 60 * 60, (now // 60 + 2) * 60) == [12]


@pytest.mark.parametrize(
    ("shift", "code"), [(-35 * DAY - 60, "timestamp_too_far_in_past"), (5 * MINUTE + 60, "timestamp_in_future")]
)
def test_timestamps_out_of_reach(shared: Sandbox, customer: str, shift: int, code: str) -> None:
    meter = meter_of(shared)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        report(shared, meter, customer, timestamp=int(time.time()) + shift)
    assert caught.value.code == code
    report(shared, meter, customer, timestamp=int(time.time()) + shift + (120 if shift < 0 else -120))


def test_a_test_clock_decides_what_is_too_old(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    clock = v1.test_helpers.test_clocks.create({"frozen_time": int(time.time()) + 400 * DAY})
    customer = v1.customers.create({"test_clock": clock.id}).id
    meter = meter_of(sandbox)
    report(sandbox, meter, customer, "3", timestamp=clock.frozen_time - DAY)
    with pytest.raises(stripe.InvalidRequestError, match="35 days"):
        report(sandbox, meter, customer, timestamp=int(time.time()))


def test_cancelled_events_do_not_count(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    customer = v1.customers.create({}).id
    meter = meter_of(sandbox)
    now = int(time.time())
    start, end = (now // 60 - 10) * 60, (now // 60 + 2) * 60
    wrong, late = report(sandbox, meter, customer, "900"), report(sandbox, meter, customer, "1")

    def cancel(identifier: str, name: str = meter.event_name) -> Any:
        return v1.billing.meter_event_adjustments.create(
            {"event_name": name, "type": "cancel", "cancel": {"identifier": identifier}}
        )

    assert cancel(wrong).cancel.identifier == wrong
    assert used(sandbox, meter, customer, start, end) == [1]
    assert cancel(wrong).status == "complete"
    for identifier, name in (("nothing", meter.event_name), (late, "another")):
        with pytest.raises(stripe.InvalidRequestError, match="No such meter event"):
            cancel(identifier, name)
    sandbox.control("clock", {"advance_seconds": DAY})
    with pytest.raises(stripe.InvalidRequestError, match="last 24 hours"):
        cancel(late)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"value": "1"}, "meter_event_no_customer_defined"),
        ({"stripe_customer_id": "cus_none", "value": "1"}, "meter_event_customer_not_found"),
        ({"stripe_customer_id": "", "value": "many"}, "meter_event_invalid_value"),
        ({"stripe_customer_id": "", "values": "1"}, "meter_event_invalid_value"),
        ({"stripe_customer_id": "", "value": "1234567890123456"}, "meter_event_value_too_many_digits"),
    ],
)
def test_wrong_payloads_are_accepted_dropped_and_reported(
    shared: Sandbox, customer: str, payload: dict[str, str], code: str
) -> None:
    meter = meter_of(shared)
    if payload.get("stripe_customer_id") == "":
        payload = {**payload, "stripe_customer_id": customer}
    shared.client.v1.billing.meter_events.create({"event_name": meter.event_name, "payload": payload})
    events = shared.client.v2.core.events.list({"object_id": meter.id}).data
    assert [event.type for event in events] == ["v1.billing.meter.error_report_triggered"]
    raw = shared.raw("GET", f"/v2/core/events/{events[0].id}").json()
    assert raw["data"]["reason"]["error_types"][0]["code"] == code
    _check_thin(raw)


def test_events_without_a_meter_and_of_an_inactive_one(shared: Sandbox, customer: str) -> None:
    v1 = shared.client.v1
    name = uuid.uuid4().hex
    v1.billing.meter_events.create({"event_name": name, "payload": {"stripe_customer_id": customer, "value": "1"}})
    lost: Any = shared.raw("GET", "/v2/core/events?types[0]=v1.billing.meter.no_meter_found&limit=1").json()
    assert lost["data"][0]["data"]["reason"]["error_types"][0]["code"] == "no_meter"
    _check_thin(lost["data"][0])
    meter = meter_of(shared)
    v1.billing.meters.deactivate(meter.id)
    report(shared, meter, customer)
    found: Any = shared.client.v2.core.events.list({"object_id": meter.id}).data[0]
    assert found.data.reason.error_types[0].code == "archived_meter"


def test_reports_are_paged_and_filtered_by_time(sandbox: Sandbox) -> None:
    meter = meter_of(sandbox)
    for _ in range(5):
        sandbox.client.v1.billing.meter_events.create({"event_name": meter.event_name, "payload": {"value": "1"}})
    api = sandbox.client.v2.core.events
    page = api.list({"object_id": meter.id, "limit": 2})
    assert len(page.data) == 2
    assert len({event.id for event in page.auto_paging_iter()}) == 5
    assert api.list({"created": {"gt": "2050-01-01T00:00:00Z"}}).data == []
    assert len(api.list({"created": {"gte": "2020-01-01T00:00:00Z", "lt": "2050-01-01T00:00:00Z"}}).data) == 5
    sandbox.control("clock", {"advance_seconds": 30 * DAY})
    assert api.list().data == []


def test_meters_themselves(shared: Sandbox) -> None:
    api = shared.client.v1.billing.meters
    meter = meter_of(
        shared,
        "last",
        customer_mapping={"event_payload_key": "tenant", "type": "by_id"},
        value_settings={"event_payload_key": "seats"},
    )
    assert (meter.customer_mapping.event_payload_key, meter.value_settings.event_payload_key) == ("tenant", "seats")
    customer = shared.client.v1.customers.create({}).id
    payload = {"tenant": customer, "seats": "12"}
    shared.client.v1.billing.meter_events.create({"event_name": meter.event_name, "payload": payload})
    minute = int(time.time()) // 60 * 60
    assert used(shared, meter, customer, minute - 600, minute + 600) == [12]
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        meter_of(shared, event_name=meter.event_name)
    off = api.deactivate(meter.id)
    assert (off.status, off.status_transitions.deactivated_at) == ("inactive", off.updated)
    with pytest.raises(stripe.InvalidRequestError, match="already inactive"):
        api.deactivate(meter.id)
    assert meter.id in [each.id for each in api.list({"status": "inactive", "limit": 100}).data]
    successor = meter_of(shared, event_name=meter.event_name)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        api.reactivate(meter.id)
    api.deactivate(successor.id)
    assert api.reactivate(meter.id).status_transitions.deactivated_at is None


def test_metered_prices_name_an_active_meter(shared: Sandbox) -> None:
    meter = meter_of(shared)
    product = shared.client.v1.products.create({"name": "Metered"})
    params: Any = {
        "product": product.id, "currency": "usd", "unit_amount_decimal": "0.05",
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
    }  # fmt: skip
    price = shared.client.v1.prices.create(params)
    assert price.recurring is not None
    assert (price.recurring.usage_type, price.recurring.meter) == ("metered", meter.id)
    assert price.unit_amount_decimal == Decimal("0.05")
    shared.client.v1.billing.meters.deactivate(meter.id)
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shared.client.v1.prices.create(params)


def _check_thin(event: dict[str, Any]) -> None:
    """Against the contract, but for the method of the TypeScript class that its definition carries along."""
    name = {
        "v1.billing.meter.error_report_triggered": "V2.Core.V1BillingMeterErrorReportTriggeredEvent",
        "v1.billing.meter.no_meter_found": "V2.Core.V1BillingMeterNoMeterFoundEvent",
    }[event["type"]]
    node = load().definitions[name]
    fits = {**node, "required": [key for key in node["required"] if key != "fetchRelatedObject"]}
    assert load().check_object(fits, event) is None
