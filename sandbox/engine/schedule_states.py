"""The states of a subscription schedule: not_started, active, and how it ends; what of it is on the agenda."""

from . import agenda
from .periods import DAY
from .work import Obj, Work, copied

KIND = "subscription_schedule"
PHASE = "subscription_schedule.phase"
EXPIRING = "subscription_schedule.expiring"
_STAMPS = {"canceled": "canceled_at", "completed": "completed_at", "released": "released_at"}
_AHEAD = 7 * DAY


def plan(work: Work, schedule: Obj) -> None:
    """Puts the next phase (or the end) on the agenda, and the announcement of the end seven days ahead."""
    at = next_change(schedule)
    if at is None:
        agenda.drop(work, PHASE, schedule["id"])
        agenda.drop(work, EXPIRING, schedule["id"])
        return
    agenda.put(work, PHASE, schedule["id"], at)
    announced = schedule["phases"][-1]["end_date"] - _AHEAD
    if announced > work.now:
        agenda.put(work, EXPIRING, schedule["id"], announced)
    else:
        agenda.drop(work, EXPIRING, schedule["id"])


def next_change(schedule: Obj) -> int | None:
    """When the next phase begins, or the last one ends (UTC seconds); None for a schedule that is over."""
    if schedule["status"] == "not_started":
        return int(schedule["phases"][0]["start_date"])
    return int(schedule["current_phase"]["end_date"]) if schedule["status"] == "active" else None


def expiring_due(work: Work, schedule_id: str) -> None:
    """The agenda's, seven days before the end."""
    work.emit("subscription_schedule.expiring", work.read(KIND, schedule_id))


def finish(work: Work, schedule: Obj, status: str) -> None:
    """-> canceled, completed or released, which leaves its subscription; emits the event of that name."""
    subscription_id = schedule["subscription"]
    schedule.update({"status": status, "current_phase": None, _STAMPS[status]: work.now})
    plan(work, schedule)
    if subscription_id is not None:
        subscription = work.edit("subscription", subscription_id)
        before = copied(subscription)
        subscription["schedule"] = None
        if status == "released":
            schedule.update(subscription=None, released_subscription=subscription_id)
            work.emit_updated("customer.subscription.updated", before, subscription)
    work.emit(f"subscription_schedule.{status}", schedule)


def subscription_ended(work: Work, subscription: Obj) -> None:
    """Somebody ended the subscription: its schedule is canceled with it."""
    if subscription["schedule"] is not None:
        finish(work, work.edit(KIND, subscription["schedule"]), "canceled")
