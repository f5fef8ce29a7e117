"""What a subscription's reading says of its trial: that it was used, ends soon, became paid or lapsed."""

from datetime import datetime, timedelta

from portal import business_time
from portal.mirror.customers import locked
from portal.models import Subscription
from portal.notices.notify import notify

# Stripe says so three days before the end; its clock and ours may differ by a little.
ENDING_SOON = timedelta(days=3, hours=1)


def follow(row: Subscription, before: str | None, began_at: datetime | None) -> None:
    """Note and tell what became of the trial, in the applying transaction.

    ``before``: the status until now. ``began_at``: when Stripe says that a trial began, if there was one: the tenant's
    one trial is used, whoever began it.
    """
    if began_at is not None:
        customer = locked()
        customer.trial_used_at = customer.trial_used_at or began_at
    if row.superseded_reason is not None or row.trial_end is None:
        return
    is_leaving = row.cancel_at_period_end or row.cancel_at is not None
    if row.status == "trialing" and not is_leaving and row.trial_end - business_time.now() <= ENDING_SOON:
        notify("trial_ending", str(row.id), step=f"{row.trial_end:%Y-%m-%dT%H:%M:%SZ}")
    elif before == "trialing" and row.status in ("active", "past_due"):
        notify("trial_converted", str(row.id))


def has_lapsed(row: Subscription, before: str | None) -> bool:
    """Whether the trial has just run its time and nobody could be charged: canceled or paused by its own terms."""
    if before != "trialing" or row.superseded_reason is not None:
        return False
    if row.status == "paused":
        return True
    was_asked_for = row.cancel_at_period_end or row.cancel_at is not None
    ran_out = row.ended_at is not None and row.trial_end is not None and row.ended_at >= row.trial_end
    return row.status == "canceled" and ran_out and not was_asked_for
