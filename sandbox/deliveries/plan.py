"""Decides, in the transaction that made the event, which deliveries it owes, and with which tricks."""

import hashlib
import time
from fnmatch import fnmatchcase
from typing import Any

from ..contract import Contract
from ..engine.work import Obj, Work, copied
from ..errors import ContractViolation
from . import tricks

KIND = "_delivery"
# Waiting for an answer, or for somebody who lets it go.
OPEN = ("pending", "held")


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
        wanted = tricks.settings(work)
        if any(fnmatchcase(event["type"], pattern) for pattern in wanted["suppress"]):
            work.remove("event", event["id"])
            return
        events = [event]
        if wanted["split"]:
            twin = {**copied(event), "id": work.new_id("evt")}
            events.append(work.add("event", twin))
        for each in events:
            owed = _takers(work, each["type"])
            for endpoint in reversed(owed):
                for copy in range(wanted["duplicate"]):
                    _owe(work, each, endpoint, wanted, counts=copy == 0)
            each["pending_webhooks"] = len(owed)


def change(work: Work, given: dict[str, Any]) -> Obj:
    """Sets tricks. `mode`: hold, drop, normal (all tricks off), or release (sends what is held or delayed, in
    the order set, and goes on normally). ValueError says what is wrong with the request.
    """
    current = tricks.put(work, given)
    if current["mode"] == "release":
        _release(work, current["order"])
        current["mode"] = "normal"
        current["order"] = "normal"
    elif given == {"mode": "normal"}:
        current.update(tricks.DEFAULTS)
    return current


def redeliver(work: Work, event_id: str) -> int:
    """Sends an event again to every endpoint that wants it; how many deliveries that makes."""
    event = work.edit("event", event_id)
    owed = _takers(work, event["type"])
    for endpoint in owed:
        _owe(work, event, endpoint, tricks.DEFAULTS, counts=False)
    return len(owed)


def settle(work: Work, delivery: Obj) -> None:
    """Takes an endpoint that has the event now, or will never, out of the event's `pending_webhooks`.

    A second copy and a repeat by hand settle what the first try left open, and nothing twice.
    """
    event = work.find("event", delivery["event"])
    first = _counted(work, delivery)
    if event is None or first is None:
        return
    work.edit(KIND, first["id"])["counts"] = False
    work.edit("event", event["id"])["pending_webhooks"] -= 1


def _counted(work: Work, delivery: Obj) -> Obj | None:
    """The delivery of the same event to the same endpoint that the event still counts."""
    if delivery.get("counts", True):
        return delivery
    same = (delivery["event"], delivery["endpoint"])
    found = (other for other in work.all(KIND) if (other["event"], other["endpoint"]) == same)
    return next((other for other in found if other.get("counts", True)), None)


def _takers(work: Work, event_type: str) -> list[Obj]:
    return [
        endpoint
        for endpoint in work.all("webhook_endpoint")
        if endpoint["status"] == "enabled"
        and ("*" in endpoint["enabled_events"] or event_type in endpoint["enabled_events"])
    ]


def _owe(work: Work, event: Obj, endpoint: Obj, wanted: Obj, *, counts: bool) -> None:
    now = time.time()
    delivery_id = work.new_id("wdl")
    status = {"hold": "held", "drop": "dropped"}.get(wanted["mode"], "pending")
    work.add(
        KIND,
        {
            "id": delivery_id,
            "event": event["id"],
            "type": event["type"],
            "endpoint": endpoint["id"],
            "request": event["request"]["id"],
            "api_version": wanted["api_version"],
            "status": status,
            "counts": counts,
            "attempts": 0,
            "created_at": now,
            "next_at": now + wanted["delay"] + wanted["shuffle"] * _lot(delivery_id),
            "last_status": None,
            "last_error": None,
        },
    )


def _release(work: Work, order: str) -> None:
    now = time.time()
    kept = [delivery for delivery in work.all(KIND) if delivery["status"] == "held" or _is_delayed(delivery, now)]
    if order == "shuffle":
        kept.sort(key=lambda delivery: _lot(delivery["id"]))
    elif order == "normal":
        kept.reverse()
    for place, delivery in enumerate(kept):
        # Deliveries of one endpoint go out one after the other by `next_at`.
        work.edit(KIND, delivery["id"]).update(status="pending", next_at=now + place * 1e-4)


def _is_delayed(delivery: Obj, now: float) -> bool:
    return bool(delivery["status"] == "pending" and delivery["attempts"] == 0 and delivery["next_at"] > now)


def _lot(delivery_id: str) -> float:
    """A number from 0 to 1 that only the id decides, so that a seeded run shuffles the same way again."""
    return int.from_bytes(hashlib.sha256(delivery_id.encode()).digest()[:8], "big") / 2**64
