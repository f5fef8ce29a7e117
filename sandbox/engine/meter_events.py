"""Meter events: usage as it is reported, and its cancellation.

An event is accepted before it is looked at: what cannot be counted is dropped, and told by a thin event alone
(stripe.md §5.8; here for each such event at once, while Stripe gathers them for some minutes). Only the
identifier and the timestamp are checked at the door.
"""

from decimal import Decimal, InvalidOperation

from ..errors import InvalidRequest, ResourceMissing
from . import meter_usage, meters, thin_events
from .work import Obj, Work

KIND = "billing.meter_event"
# Identifier -> where its event is kept.
_IDENTIFIER = "_meter_identifier"
_DAY = 86400
_OLDEST, _NEWEST = 35 * _DAY, 5 * 60
_MOST_DIGITS = 15
_MESSAGES = {
    "no_meter": "No meter takes events of this name.",
    "archived_meter": "The meter of this event is inactive.",
    "meter_event_no_customer_defined": "The payload names no customer.",
    "meter_event_customer_not_found": "There is no customer of the id in the payload.",
    "meter_event_invalid_value": "The value in the payload is missing or no number.",
    "meter_event_value_too_many_digits": f"The value in the payload has more than {_MOST_DIGITS} digits.",
}


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/billing/meter_events. Wrong names and payloads are accepted and dropped, see above.

    InvalidRequest: duplicate_meter_event for an identifier of the last 24 hours, timestamp_too_far_in_past
    beyond 35 days, timestamp_in_future beyond 5 minutes.
    """
    identifier = params.get("identifier") or work.new_id("meter_event")
    timestamp = params.get("timestamp", work.now)
    _check_identifier(work, identifier)
    _check_timestamp(work, timestamp)
    payload = params["payload"]
    wrong, meter = _counted(work, params["event_name"], payload, identifier, timestamp)
    if wrong is not None:
        _report(work, wrong, meter, identifier)
    return {
        "object": KIND,
        "created": work.now,
        "event_name": params["event_name"],
        "identifier": identifier,
        "livemode": False,
        "payload": payload,
        "timestamp": timestamp,
    }


def cancel(work: Work, params: Obj) -> Obj:
    """POST /v1/billing/meter_event_adjustments: an event of the last 24 hours counts no more.

    ResourceMissing for an unknown identifier; InvalidRequest for an older event or one of another name.
    """
    identifier = params.get("cancel", {}).get("identifier")
    if identifier is None:
        raise InvalidRequest(
            "Missing required param: cancel[identifier].", code="parameter_missing", param="cancel[identifier]"
        )
    kept = work.find(_IDENTIFIER, identifier)
    if kept is None or kept["event_name"] != params["event_name"]:
        raise ResourceMissing("meter event", identifier, param="cancel[identifier]")
    if kept["received"] <= work.now - _DAY:
        raise InvalidRequest("Only events of the last 24 hours can be canceled.", param="cancel[identifier]")
    if kept["kind"] is not None:
        work.remove(kept["kind"], kept["event"])
        work.add(_IDENTIFIER, {**kept, "kind": None})
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": identifier},
        "event_name": params["event_name"],
        "livemode": False,
        "status": "complete",
        "type": "cancel",
    }


def _counted(
    work: Work, event_name: str, payload: Obj, identifier: str, timestamp: int
) -> tuple[str | None, Obj | None]:
    """Counts the event where it can be; else the code of what is wrong with it, and its meter if it has one."""
    meter = meters.by_event_name(work, event_name)
    wrong = "no_meter" if meter is None else _fault_of(work, meter, payload)
    # Not kept under its identifier, which another event may have after a day.
    kind, key = None, work.new_id("meter_event")
    if wrong is None and meter is not None:
        value = payload.get(meter["value_settings"]["event_payload_key"], "1")
        event = {"id": key, "timestamp": timestamp, "received": work.now, "value": value}
        kind = meter_usage.record(work, meter["id"], payload[meter["customer_mapping"]["event_payload_key"]], event)
    place = {"kind": kind, "event": key}
    work.add(_IDENTIFIER, {"id": identifier, "event_name": event_name, "received": work.now, **place})
    return wrong, meter


def _fault_of(work: Work, meter: Obj, payload: Obj) -> str | None:
    if meter["status"] != "active":
        return "archived_meter"
    customer_id = payload.get(meter["customer_mapping"]["event_payload_key"])
    if customer_id is None:
        return "meter_event_no_customer_defined"
    customer = work.find("customer", customer_id)
    if customer is None or customer.get("deleted"):
        return "meter_event_customer_not_found"
    if meter["default_aggregation"]["formula"] == "count":
        return None
    return _fault_of_value(payload.get(meter["value_settings"]["event_payload_key"]))


def _fault_of_value(text: str | None) -> str | None:
    try:
        value = Decimal(text or "")
    except InvalidOperation:
        return "meter_event_invalid_value"
    if not value.is_finite():
        return "meter_event_invalid_value"
    return "meter_event_value_too_many_digits" if len(value.as_tuple().digits) > _MOST_DIGITS else None


def _check_identifier(work: Work, identifier: str) -> None:
    if len(identifier) > 100:
        raise InvalidRequest("An identifier has at most 100 characters.", param="identifier")
    kept = work.find(_IDENTIFIER, identifier)
    if kept is not None and kept["received"] > work.now - _DAY:
        raise InvalidRequest(
            f"An event already exists with identifier {identifier}.", code="duplicate_meter_event", param="identifier"
        )


def _check_timestamp(work: Work, timestamp: int) -> None:
    if timestamp < work.now - _OLDEST:
        raise InvalidRequest(
            "The timestamp is more than 35 days in the past.", code="timestamp_too_far_in_past", param="timestamp"
        )
    if timestamp > work.now + _NEWEST:
        raise InvalidRequest(
            "The timestamp is more than 5 minutes in the future.", code="timestamp_in_future", param="timestamp"
        )


def _report(work: Work, code: str, meter: Obj | None, identifier: str) -> None:
    now = thin_events.written(work.now)
    sample = {"error_message": _MESSAGES[code], "request": {"identifier": identifier}}
    data = {
        "developer_message_summary": f"There is 1 invalid event: {_MESSAGES[code]}",
        "reason": {
            "error_count": 1,
            "error_types": [{"code": code, "error_count": 1, "sample_errors": [sample]}],
        },
        "validation_end": now,
        "validation_start": now,
    }
    if meter is None:
        thin_events.add(work, "v1.billing.meter.no_meter_found", data)
        return
    related = {"id": meter["id"], "type": meters.KIND, "url": f"/v1/billing/meters/{meter['id']}"}
    thin_events.add(work, "v1.billing.meter.error_report_triggered", data, related)
