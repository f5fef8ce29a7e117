"""Usage that meter events reported: kept by meter and customer, and added up over a stretch of time.

What is kept of an event: `timestamp` (UTC seconds, when it happened), `received` (when it was reported) and its
`value` as a decimal text. Stretches are half-open: from `start` on, before `end`.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from .work import Obj, Work


def usage(work: Work, meter_id: str, customer_id: str, start: int, end: int) -> Decimal:
    """What the customer used of a meter between two times, by its formula: sum, count, or the last value.

    0 without events. An event counts by its timestamp, however late it came.
    """
    return total_of(work, meter_id, events_of(work, meter_id, customer_id, start, end))


def total_of(work: Work, meter_id: str, events: Iterable[Obj]) -> Decimal:
    """These events added up by the meter's formula."""
    counted = list(events)
    formula = work.read("billing.meter", meter_id)["default_aggregation"]["formula"]
    if formula == "count":
        return Decimal(len(counted))
    if formula == "sum":
        return sum((Decimal(event["value"]) for event in counted), Decimal(0))
    # Newest report first: of two with one timestamp the later report is the last value (assumed).
    last = max(counted, key=lambda event: event["timestamp"], default=None)
    return Decimal(0) if last is None else Decimal(last["value"])


def events_of(work: Work, meter_id: str, customer_id: str, start: int, end: int) -> Iterator[Obj]:
    """The events of a stretch of time, the newest report first."""
    for event in work.all(_bucket(meter_id, customer_id)):
        if start <= event["timestamp"] < end:
            yield event


def record(work: Work, meter_id: str, customer_id: str, event: Obj) -> str:
    """Keeps an event; `event` has id, timestamp, received and value. Returns the kind it is kept under."""
    kind = _bucket(meter_id, customer_id)
    work.add(kind, event)
    return kind


def _bucket(meter_id: str, customer_id: str) -> str:
    # A kind for each pair, so that an invoice reads the usage of its customer only.
    return f"_usage:{meter_id}:{customer_id}"
