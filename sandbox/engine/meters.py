"""Billing meters: which usage events count for whom, and how they add up."""

from collections.abc import Iterator

from ..errors import InvalidRequest
from .fields import where
from .work import Obj, Work, copied

KIND = "billing.meter"


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/billing/meters. An event name belongs to one active meter (assumed: a second is refused)."""
    _check_free(work, params["event_name"])
    meter = {
        "id": work.new_id("mtr"),
        "object": KIND,
        "created": work.now,
        "customer_mapping": params.get("customer_mapping")
        or {"event_payload_key": "stripe_customer_id", "type": "by_id"},
        "default_aggregation": params["default_aggregation"],
        "display_name": params["display_name"],
        "event_name": params["event_name"],
        "event_time_window": params.get("event_time_window"),
        "livemode": False,
        "status": "active",
        "status_transitions": {"deactivated_at": None},
        "updated": work.now,
        "value_settings": params.get("value_settings") or {"event_payload_key": "value"},
    }
    work.add(KIND, meter)
    work.emit("billing.meter.created", meter)
    return meter


def retrieve(work: Work, _params: Obj, meter_id: str) -> Obj:
    """GET /v1/billing/meters/{id}."""
    return work.read(KIND, meter_id)


def update(work: Work, params: Obj, meter_id: str) -> Obj:
    """POST /v1/billing/meters/{id}: only its display name changes."""
    meter = work.edit(KIND, meter_id)
    before = copied(meter)
    meter["display_name"] = params.get("display_name", meter["display_name"])
    if meter != before:
        meter["updated"] = work.now
        work.emit_updated("billing.meter.updated", before, meter)
    return meter


def deactivate(work: Work, _params: Obj, meter_id: str) -> Obj:
    """POST /v1/billing/meters/{id}/deactivate: it takes no more events, and no new price may name it."""
    meter = work.edit(KIND, meter_id)
    if meter["status"] != "active":
        raise InvalidRequest("This meter is already inactive.")
    return _turned(work, meter, "inactive", work.now, "billing.meter.deactivated")


def reactivate(work: Work, _params: Obj, meter_id: str) -> Obj:
    """POST /v1/billing/meters/{id}/reactivate."""
    meter = work.edit(KIND, meter_id)
    if meter["status"] == "active":
        raise InvalidRequest("This meter is already active.")
    _check_free(work, meter["event_name"])
    return _turned(work, meter, "active", None, "billing.meter.reactivated")


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/billing/meters."""
    return where(work.all(KIND), params, "status")


def by_event_name(work: Work, event_name: str) -> Obj | None:
    """The meter that takes these events: the active one, else one that took them; None without any."""
    found = [meter for meter in work.all(KIND) if meter["event_name"] == event_name]
    return min(found, key=lambda meter: meter["status"] != "active", default=None)


def _turned(work: Work, meter: Obj, status: str, deactivated_at: int | None, event_type: str) -> Obj:
    before = copied(meter)
    meter.update(status=status, updated=work.now)
    meter["status_transitions"]["deactivated_at"] = deactivated_at
    work.emit_updated(event_type, before, meter)
    return meter


def _check_free(work: Work, event_name: str) -> None:
    taken = by_event_name(work, event_name)
    if taken is not None and taken["status"] == "active":
        raise InvalidRequest(
            f"An active meter with the event name `{event_name}` already exists ({taken['id']}).", param="event_name"
        )
