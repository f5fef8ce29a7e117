"""Meter event summaries: usage of a customer over a stretch of time, whole or by hours or days."""

import hashlib
from collections.abc import Iterator

from ..errors import InvalidRequest
from . import meter_usage
from .meters import KIND as METER
from .work import Obj, Work

KIND = "billing.meter_event_summary"
_ALIGNED = {None: (60, "minute"), "hour": (3600, "hour"), "day": (86400, "day")}


def listing(work: Work, params: Obj, meter_id: str) -> Iterator[Obj]:
    """GET /v1/billing/meters/{id}/event_summaries, the newest window first, windows without usage included
    (assumed). `start_time` and `end_time` (UTC seconds, half-open) are aligned with minutes, or with the
    hours or days of `value_grouping_window`.
    """
    work.read(METER, meter_id)
    customer = work.read("customer", params["customer"], param="customer")["id"]
    start, end = params["start_time"], params["end_time"]
    seconds, unit = _ALIGNED[params.get("value_grouping_window")]
    for name in ("start_time", "end_time"):
        if params[name] % seconds:
            raise InvalidRequest(f"`{name}` must be aligned with {unit} boundaries.", param=name)
    if end <= start:
        raise InvalidRequest("`end_time` must be after `start_time`.", param="end_time")
    return _windows(work, meter_id, customer, start, end, seconds if "value_grouping_window" in params else end - start)


def _windows(work: Work, meter_id: str, customer: str, start: int, end: int, seconds: int) -> Iterator[Obj]:
    grouped: dict[int, list[Obj]] = {}
    for event in meter_usage.events_of(work, meter_id, customer, start, end):
        grouped.setdefault((event["timestamp"] - start) // seconds, []).append(event)
    for number in reversed(range((end - start) // seconds)):
        begin = start + number * seconds
        total = meter_usage.total_of(work, meter_id, grouped.get(number, []))
        yield {
            "id": _id(meter_id, customer, begin, begin + seconds),
            "object": KIND,
            "aggregated_value": int(total) if total == total.to_integral_value() else float(total),
            "end_time": begin + seconds,
            "livemode": False,
            "meter": meter_id,
            "start_time": begin,
        }


def _id(*parts: str | int) -> str:
    """Summaries are not stored: the id follows from what is summed up, so that it can be a cursor."""
    return f"mtrusg_test_6{hashlib.sha256(repr(parts).encode()).hexdigest()[:30]}"
