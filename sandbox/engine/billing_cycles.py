"""The periods of a subscription's items: where they end, and which part of a whole period they are.

Every item has periods of its own, on one grid that begins at the subscription's `billing_cycle_anchor`. A period
that is cut short, by an anchor that lies ahead or by `cancel_at`, is billed for its part.
"""

from fractions import Fraction

from . import account_settings, agenda
from .periods import DAY, period_around
from .work import Obj, Work

_RUNNING = ("active", "past_due", "unpaid", "trialing")


def next_end(subscription: Obj, item: Obj, start: int) -> int:
    """When the item's period that begins at `start` ends: at the next boundary, or when it is cancelled before."""
    recurring = item["price"]["recurring"]
    end = period_around(start, recurring, subscription["billing_cycle_anchor"], _anchor_day(subscription))[1]
    cancel_at = subscription["cancel_at"]
    return min(end, cancel_at) if cancel_at is not None and cancel_at > start else end


def part_of_period(subscription: Obj, item: Obj) -> Fraction:
    """Which part of a whole period the item's current period is; 1 for a whole one."""
    start, end = item["current_period_start"], item["current_period_end"]
    recurring = item["price"]["recurring"]
    whole = period_around(start, recurring, subscription["billing_cycle_anchor"], _anchor_day(subscription))
    return Fraction(end - start, whole[1] - whole[0])


def begin(subscription: Obj, at: int) -> None:
    """Every item begins a period at that time."""
    for item in subscription["items"]["data"]:
        item.update(current_period_start=at, current_period_end=next_end(subscription, item, at))


def roll(subscription: Obj, at: int) -> list[Obj]:
    """The items whose period has ended begin their next one; returns them, in their order."""
    ended = [item for item in subscription["items"]["data"] if item["current_period_end"] <= at]
    for item in ended:
        start = item["current_period_end"]
        item.update(current_period_start=start, current_period_end=next_end(subscription, item, start))
    return ended


def first_end(subscription: Obj) -> int:
    """When the first of the items' periods ends."""
    return min(int(item["current_period_end"]) for item in subscription["items"]["data"])


def last_end(subscription: Obj) -> int:
    """When the last of the items' periods ends."""
    return max(int(item["current_period_end"]) for item in subscription["items"]["data"])


def schedule(work: Work, subscription: Obj) -> None:
    """Puts the next renewal on the agenda, and its announcement when that lies ahead."""
    subscription_id = subscription["id"]
    agenda.drop(work, "subscription.upcoming", subscription_id)
    if subscription["status"] not in (*_RUNNING, "incomplete"):
        agenda.drop(work, "subscription.renew", subscription_id)
        return
    end = first_end(subscription)
    agenda.put(work, "subscription.renew", subscription_id, end)
    announced = end - account_settings.current(work)["upcoming_days"] * DAY
    if announced > work.now:
        agenda.put(work, "subscription.upcoming", subscription_id, announced)


def _anchor_day(subscription: Obj) -> int | None:
    config = subscription["billing_cycle_anchor_config"]
    return None if config is None else int(config["day_of_month"])
