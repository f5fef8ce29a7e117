"""A measurement as usage events, with ids that make a repeat count nothing: of a retry, or of the next hour's pull."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from portal.sources.base import Measured
from portal.usage import ingest

_AT_ONCE = 5000


def record(link_id: UUID, name: str, measured: Measured, *, hour: datetime, now: datetime) -> Mapping[str, str]:
    """Report a measurement for the bound tenant; commits each batch. Returns what was recorded, by resource.

    A level counts once an hour, at the tenant's own time: a second measurement within ``hour`` is a conflict of its id
    and changes nothing. An order or an invoice counts once for ever, on its day, which is not after ``now``.
    """
    figures = {resource: str(quantity) for resource, quantity in measured.levels.items()}
    waiting = _events(link_id, name, measured, hour, now)
    counted = dict.fromkeys(measured.things, 0)
    while batch := list(islice(waiting, _AT_ONCE)):
        receipt = ingest.record(json.dumps(batch))
        for number, event in enumerate(batch):
            status, resource = receipt.status(number), event["resource_type"]
            if resource in counted:
                counted[resource] += status in ("accepted", "late")
            elif status == "rejected":  # an archived resource is not reported any more
                figures.pop(resource, None)
    return figures | {resource: str(number) for resource, number in counted.items()}


def _events(link_id: UUID, name: str, measured: Measured, hour: datetime, now: datetime) -> Iterator[dict[str, Any]]:
    for resource, quantity in sorted(measured.levels.items()):
        event_id = f"source:{link_id}:{resource}:{hour.astimezone(UTC):%Y-%m-%dT%H}"
        yield {"resource_type": resource, "quantity": str(quantity), "event_id": event_id, "source": name}
    for resource, things in sorted(measured.things.items()):
        for thing in things:
            yield {
                "resource_type": resource,
                "quantity": "1",
                "event_id": f"source:{link_id}:{resource}:{thing.id}",
                "timestamp": min(thing.at, now).isoformat(),
                "source": name,
            }
