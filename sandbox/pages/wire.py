"""What went over the wire, and the events, with their bodies."""

import json
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..deliveries import plan
from ..engine.work import Obj, Work
from ..errors import ResourceMissing
from ..world import World
from .rendering import ENGLISH, moment, page

_KINDS = [("", "All"), ("request", "API"), ("delivery", "Webhooks"), ("outside", "Neighbours")]
_SHOWN = 50
_LONGEST = 12_000


def listing(world: World, request: Request) -> Response:
    """GET /wire, newest first; `kind` chooses, `match` is a part of "METHOD /path"."""
    kind, match = request.args.get("kind", ""), request.args.get("match", "").strip()
    if kind not in dict(_KINDS):
        raise BadRequest("kind is request, delivery or outside.")
    entries = world.wire.entries(kind=kind or None, match=f"*{match}*" if match else None, limit=_SHOWN)
    exchanges = [_shown(entry) for entry in entries]
    return page("wire.html", ENGLISH, exchanges=exchanges, kinds=_KINDS, kind=kind, match=match)


def whole(world: World, _request: Request, number: int) -> Response:
    """GET /wire/{number}: one exchange as text, uncut."""
    found = next((entry for entry in world.wire.entries(limit=500) if entry["number"] == number), None)
    if found is None:
        raise NotFound
    parts = [f"{found['method']} {found['path']}", _headers(found["headers"]), "", found["body"]]
    if found["answer"]:
        parts += ["", str(found["answer"]["status"]), _headers(found["answer"]["headers"]), "", found["answer"]["body"]]
    return Response("\n".join(parts), content_type="text/plain; charset=utf-8")


def clear(world: World, _request: Request) -> Response:
    """POST /wire/clear."""
    world.wire.clear()
    return redirect("/wire", 303)


def newest(world: World, limit: int) -> list[dict[str, Any]]:
    """The last exchanges, for the control room."""
    return [_shown(entry) for entry in world.wire.entries(limit=limit)]


def events(world: World, request: Request) -> Response:
    """GET /events, newest first; `match` is a part of the type or of the object's id."""
    match = request.args.get("match", "").strip()
    with world.store.transaction() as work:
        found = islice((event for event in work.all("event") if _matches(event, match)), _SHOWN)
        urls = {endpoint["id"]: endpoint["url"] for endpoint in work.all("webhook_endpoint")}
        owed: dict[str, list[Obj]] = {}
        for delivery in work.all(plan.KIND):
            owed.setdefault(delivery["event"], []).append(delivery)
        shown = [_event(event, owed.get(event["id"], []), urls) for event in found]
    return page("events.html", ENGLISH, events=shown, match=match, endpoints=len(urls))


def redeliver(world: World, _request: Request, event_id: str) -> Response:
    """POST /events/{id}/redeliver: sends it again to every endpoint that wants it."""
    world.store.run(_redeliver, event_id)
    return redirect(f"/events#{event_id}", 303)


def _redeliver(work: Work, event_id: str) -> int:
    if work.find("event", event_id) is None:
        raise ResourceMissing("event", event_id)
    return plan.redeliver(work, event_id)


def _matches(event: Obj, match: str) -> bool:
    return match in event["type"] or match in str(event["data"]["object"].get("id"))


def _event(event: Obj, deliveries: list[Obj], urls: dict[str, str]) -> dict[str, Any]:
    changed = event["data"].get("previous_attributes")
    return {
        "id": event["id"],
        "type": event["type"],
        "object": event["data"]["object"].get("id") or "",
        "at": moment(event["created"]),
        "changed": None if not changed else _pretty(json.dumps(changed)),
        "body": _pretty(json.dumps(event)),
        "deliveries": [
            {
                "url": urls.get(delivery["endpoint"], "an endpoint that is gone"),
                "status": delivery["status"],
                "attempts": delivery["attempts"],
                "look": {"delivered": "paid", "pending": "open", "held": "open"}.get(delivery["status"], "failed"),
                "said": delivery["last_status"] or delivery["last_error"] or "",
            }
            for delivery in reversed(deliveries)
        ],
    }


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    answer, status = entry["answer"], (entry["answer"] or {}).get("status")
    return {
        "number": entry["number"],
        "kind": entry["kind"],
        "method": entry["method"],
        "path": entry["path"],
        "event": entry.get("type"),
        "at": moment(entry["at"])[11:19],
        "milliseconds": entry["milliseconds"],
        "status": status or "—",
        "look": "failed" if status is None or status >= 400 else "paid",
        "note": entry["note"],
        "sent": _pretty(entry["body"]),
        "sent_headers": _headers(entry["headers"]),
        "answered": None if answer is None else _pretty(answer["body"]),
        "answered_headers": None if answer is None else _headers(answer["headers"]),
    }


def _headers(headers: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _pretty(body: str) -> str:
    """JSON and form bodies set out for reading; anything else, and what is too long, as it is."""
    text = body
    if body[:1] in "{[":
        try:
            text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        except ValueError:
            text = body
    elif "=" in body and "\n" not in body and "<" not in body:
        text = "\n".join(f"{name} = {value}" for name, value in parse_qsl(body, keep_blank_values=True)) or body
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "\n… (cut)"
