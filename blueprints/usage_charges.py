"""A charge of usage, opened: how it is computed, on which days it was used, and by which events."""

from datetime import date, datetime
from uuid import UUID

from flask import Blueprint, Response, request, url_for

from portal.security.guards import member
from portal.templating import page
from portal.usage import evidence

bp = Blueprint("usage_charges", __name__)


@bp.get("/usage/charges/<uuid:usage_charge_id>")
@member()
def show(usage_charge_id: UUID) -> Response:
    """The charge with its days; ``day`` opens one into its events, ``after`` goes on in them."""
    charged = evidence.of_charge(usage_charge_id)
    day = _day(request.args.get("day", ""))
    found = evidence.events(charged, day, _after(request.args.get("after", ""))) if day else None
    more = ""
    if found and found.next_after and day:
        at, event_id = found.next_after
        after = f"{at.isoformat()}~{event_id}"
        more = url_for("usage_charges.show", usage_charge_id=usage_charge_id, day=day.isoformat(), after=after)
    return page(
        "usage_charges/page.html", "usage_charges/_events.html", charged=charged, day=day, events=found, more=more
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _after(text: str) -> tuple[datetime, UUID] | None:
    at, _, event_id = text.partition("~")
    try:
        return datetime.fromisoformat(at), UUID(event_id)
    except ValueError:
        return None
