"""Decides, in the transaction that made the event, which deliveries it owes, and with which tricks.

The tricks (hold, drop, duplicate, reverse, split, another api_version, delay, suppress) are the control API's;
they are stored with the state, so that held deliveries stay held over a restart.
"""

import time
from fnmatch import fnmatchcase
from typing import Any

from ..contract import Contract
from ..engine.work import Obj, Work, copied
from ..errors import ContractViolation

KIND = "_delivery"
_SETTINGS = ("_meta", "deliveries")
DEFAULTS: Obj = {
    "id": "deliveries",
    "mode": "normal",
    "duplicate": 1,
    "order": "normal",
    "split": False,
    "api_version": None,
    "delay": 0,
    "suppress": [],
}


class Planner:
    """The store's hook for events."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def plan(self, work: Work, event: Obj) -> None:
        """Checks the event and adds its deliveries, or takes it back when it shall never have been made.

        ContractViolation for an event of a wrong shape.
        """
        wrong = self._contract.check_event(event)
        if wrong is not None:
            raise ContractViolation(f"event {event['type']} is against the contract: {wrong}")
        wanted = settings(work)
        if any(fnmatchcase(event["type"], pattern) for pattern in wanted["suppress"]):
            work.remove("event", event["id"])
            return
        events = [event]
        if wanted["split"]:
            twin = {**copied(event), "id": work.new_id("evt")}
            events.append(work.add("event", twin))
        for each in events:
            owed = [endpoint for endpoint in work.all("webhook_endpoint") if _wants(endpoint, each["type"])]
            for endpoint in reversed(owed):
                for _ in range(wanted["duplicate"]):
                    _owe(work, each, endpoint, wanted)
            each["pending_webhooks"] = len(owed)


def settings(work: Work) -> Obj:
    """The tricks in force."""
    return {**DEFAULTS, **(work.find(*_SETTINGS) or {})}


def change(work: Work, given: dict[str, Any]) -> Obj:
    """Sets tricks. `mode`: hold, drop, normal (all tricks off), or release (sends what is held, in the
    order set, and goes on normally). ValueError says what is wrong with the request.
    """
    known = {name: type(value) for name, value in DEFAULTS.items() if name != "id"}
    for name, value in given.items():
        if name not in known or (name != "api_version" and not isinstance(value, known[name])):
            raise ValueError(f"{name}: give any of {', '.join(known)} with a fitting value")
    current = work.add("_meta", {**settings(work), **given})
    mode = current["mode"]
    if mode not in ("normal", "hold", "release", "drop") or current["order"] not in ("normal", "reverse"):
        raise ValueError("mode is normal, hold, release or drop; order is normal or reverse")
    if not all(isinstance(pattern, str) for pattern in current["suppress"]):
        raise ValueError("suppress is a list of event types, with * where wanted")
    if not 1 <= current["duplicate"] <= 20:
        raise ValueError("duplicate is 1 to 20")
    if mode == "release":
        _release(work, reverse=current["order"] == "reverse")
        current["mode"] = "normal"
        current["order"] = "normal"
    elif given == {"mode": "normal"}:
        current.update(DEFAULTS)
    return current


def redeliver(work: Work, event_id: str) -> int:
    """Sends an event again to every endpoint that wants it; how many deliveries that makes."""
    event = work.edit("event", event_id)
    owed = [endpoint for endpoint in work.all("webhook_endpoint") if _wants(endpoint, event["type"])]
    for endpoint in owed:
        _owe(work, event, endpoint, DEFAULTS)
    event["pending_webhooks"] += len(owed)
    return len(owed)


def _wants(endpoint: Obj, event_type: str) -> bool:
    wanted = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in wanted or event_type in wanted)


def _owe(work: Work, event: Obj, endpoint: Obj, wanted: Obj) -> None:
    now = time.time()
    status = {"hold": "held", "drop": "dropped"}.get(wanted["mode"], "pending")
    work.add(
        KIND,
        {
            "id": work.new_id("wdl"),
            "event": event["id"],
            "type": event["type"],
            "endpoint": endpoint["id"],
            "api_version": wanted["api_version"],
            "status": status,
            "attempts": 0,
            "created_at": now,
            "next_at": now + wanted["delay"],
            "last_status": None,
            "last_error": None,
        },
    )


def _release(work: Work, *, reverse: bool) -> None:
    held = [delivery["id"] for delivery in work.all(KIND) if delivery["status"] == "held"]
    if not reverse:
        held.reverse()
    now = time.time()
    for place, delivery_id in enumerate(held):
        # Deliveries of one endpoint go out one after the other by `next_at`.
        work.edit(KIND, delivery_id).update(status="pending", next_at=now + place * 1e-4)
