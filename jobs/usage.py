"""Usage in the background: periods follow subscriptions, are closed and billed; the months of events to come."""

from flask import current_app

from portal.outbox import Retry, handler, periodic
from portal.usage import closing, following, hours, invoice_items, partitions
from portal.usage.charges import KIND

handler("usage.follow")(following.follow)
handler(KIND)(invoice_items.perform)


@periodic("close_usage_periods", every_seconds=60)
def close_usage_periods() -> None:
    """Periods whose grace is over; many at once are closed in turns with other work."""
    if closing.close_due() == closing.AT_ONCE:
        raise Retry(0, "there are more periods to close")


@periodic("make_usage_months", every_seconds=6 * 3600)
def make_usage_months() -> None:
    """In good time; until then events of a month without a place of its own go to the default one."""
    partitions.make_ahead()


@periodic("retire_usage_months", every_seconds=24 * 3600)
def retire_usage_months() -> None:
    """Events that nobody needs any more, as the settings have it; by default all are kept."""
    settings = current_app.extensions["settings"]
    partitions.retire(settings.usage_retention_months, drops=settings.usage_retention == "drop")


@periodic("forget_usage_hours", every_seconds=6 * 3600)
def forget_usage_hours() -> None:
    """Sums by hour are of recent days; many periods at once are gone through in turns with other work."""
    if hours.forget_old(current_app.extensions["settings"].usage_hours_kept_days) == hours.AT_ONCE:
        raise Retry(0, "there are more periods with old hours")
