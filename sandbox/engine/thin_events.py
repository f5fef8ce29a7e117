"""Events of API v2: read at /v2/core/events for thirty days. Of these, Stripe's reports on meter events exist here.

They are not delivered: that needs event destinations, which the sandbox does not model.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from ..errors import InvalidRequest, ResourceMissing
from .work import Obj, Work

KIND = "v2.core.event"
_KEPT_SECONDS = 30 * 86400


def add(work: Work, event_type: str, data: Obj, related: Obj | None = None) -> Obj:
    """A new event; `related` is its related object: id, type and url."""
    event: Obj = {
        "id": work.new_id("thin"),
        "object": KIND,
        "created": written(work.now),
        "data": data,
        "livemode": False,
        "type": event_type,
        "_": {"at": work.global_now},
    }
    if related is not None:
        event["related_object"] = related
    return work.add(KIND, event)


def retrieve(work: Work, _params: Obj, event_id: str) -> Obj:
    """GET /v2/core/events/{id}."""
    event = work.read(KIND, event_id)
    if not _is_kept(work, event):
        raise ResourceMissing(KIND, event_id)
    return event


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v2/core/events by `types` (at most 20), `object_id` and `created` (times as texts, UTC)."""
    types, object_id = params.get("types"), params.get("object_id")
    if types is not None and len(types) > 20:
        raise InvalidRequest("You can pass at most 20 types.", param="types")
    for event in work.all(KIND):
        related = event.get("related_object", {}).get("id")
        if not _is_kept(work, event) or (types is not None and event["type"] not in types):
            continue
        if object_id in (None, related) and _in_range(event["created"], params.get("created", {})):
            yield event


def written(at: int) -> str:
    """A time (UTC seconds) as API v2 writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _in_range(created: str, wanted: Obj) -> bool:
    moment = datetime.fromisoformat(created)
    try:
        bounds = {name: datetime.fromisoformat(text) for name, text in wanted.items()}
        return (
            moment > bounds.get("gt", datetime.min.replace(tzinfo=UTC))
            and moment >= bounds.get("gte", moment)
            and moment < bounds.get("lt", datetime.max.replace(tzinfo=UTC))
            and moment <= bounds.get("lte", moment)
        )
    except (TypeError, ValueError) as error:
        raise InvalidRequest("Times are written as 2026-10-28T00:00:00Z.", param="created") from error


def _is_kept(work: Work, event: Obj) -> bool:
    return bool(event["_"]["at"] > work.global_now - _KEPT_SECONDS)
