"""Reading events; they are made by Work.emit, and can be read for thirty days."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from ..errors import InvalidRequest, ResourceMissing
from .fields import where
from .work import HEARD, Obj, Work

KIND = "event"
_KEPT_SECONDS = 30 * 86400


def retrieve(work: Work, _params: Obj, event_id: str) -> Obj:
    """GET /v1/events/{id}."""
    event = work.read(KIND, event_id)
    if not _is_kept(work, event):
        raise ResourceMissing(KIND, event_id)
    return event


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/events by `type` (`invoice.*` too), `types` (at most 20), `created`, `delivery_success`.

    Not successful are events that an endpoint still waits for, or that were given up; those that no endpoint
    wants have nothing left to deliver.
    """
    if "type" in params and "types" in params:
        raise InvalidRequest("You may only specify one of these parameters: type, types.", param="types")
    wanted = params.get("types") or ([params["type"]] if "type" in params else ["*"])
    if len(wanted) > 20:
        raise InvalidRequest("You can pass at most 20 types.", param="types")
    success = params.get("delivery_success")
    for event in where(work.all(KIND), params):
        # Not in order of `created`: each test clock has a time of its own.
        if not _is_kept(work, event):
            continue
        if not any(fnmatchcase(event["type"], pattern) for pattern in wanted):
            continue
        if success is None or (event["pending_webhooks"] == 0) == success:
            yield event


def _is_kept(work: Work, event: Obj) -> bool:
    heard = work.find(HEARD, event["id"])
    since = event["created"] if heard is None else heard["at"]
    return bool(since > work.global_now - _KEPT_SECONDS)
