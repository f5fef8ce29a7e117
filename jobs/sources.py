"""Sources in the background: each link is measured every hour, and keys that end are told of."""

from portal.outbox import handler, periodic
from portal.sources import expiring, pulling

handler(pulling.KIND)(pulling.pull)
handler(expiring.KIND)(expiring.tell)
handler(expiring.PROBE)(expiring.probe)


@periodic("pull_usage_sources", every_seconds=600)
def pull_usage_sources() -> None:
    """More often than once an hour: a new link, and a portal that was away, get their turn within the hour."""
    pulling.owe_all()


@periodic("look_at_source_keys", every_seconds=3600)
def look_at_source_keys() -> None:
    """Those that end within two weeks."""
    expiring.look()
