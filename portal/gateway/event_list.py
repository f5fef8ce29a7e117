"""Stripe's list of events: thirty days of what was told, delivered or not."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from portal.gateway.client import gateway

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import EventListParams

PAGE = 100  # Stripe's largest


class EventPage(NamedTuple):
    """Events as they are on the wire, the newest first, and whether there are older ones."""

    events: list[dict[str, Any]]
    has_more: bool


def page(types: Sequence[str], since: datetime, after: str | None) -> EventPage:
    """The events of ``types`` (at most 20) from ``since`` on that are older than the event ``after``.

    Raises :class:`portal.gateway.errors.StripeMissing` when ``after`` is no longer kept, else as ``read`` does.
    """
    params: EventListParams = {"types": list(types), "created": {"gte": int(since.timestamp())}, "limit": PAGE}
    if after is not None:
        params["starting_after"] = after
    listed = gateway().read(lambda s: s.v1.events.list(params))
    # Not the SDK's objects: they turn decimal texts into Decimal, and the inbox stores what Stripe wrote.
    body = cast(Any, listed.last_response).data
    return EventPage(body["data"], body["has_more"])
