"""Finding what nobody told us: events that were never delivered, objects whose event never existed."""

import logging
from functools import partial

from portal.gateway.errors import PaymentServiceUnavailable
from portal.gateway.kinds import POLLED
from portal.mirror import missed_events, sweep
from portal.outbox import Retry, periodic

log = logging.getLogger("portal.reconcile")


def look_for_missed_events(group: str) -> None:
    """One look through Stripe's list of a group's events; a long list is looked through in turns with other work."""
    try:
        looked = missed_events.look(group)
    except PaymentServiceUnavailable as error:
        log.warning("stripe does not answer, the next turn looks again: %s", error)
        return
    if not looked.is_done:
        raise Retry(0, "there are more events to look at")


for _group in POLLED:
    # Tasks of their own: a group with a long backlog must not keep the other from being looked at.
    periodic(f"missed_events.{_group}", every_seconds=300)(partial(look_for_missed_events, _group))


@periodic("sweep_live_objects", every_seconds=86400)
def sweep_live_objects() -> None:
    """What should be live is read again; page by page, with other work between."""
    swept = sweep.advance()
    if not swept.is_done:
        raise Retry(swept.pause, "the sweep goes on")
