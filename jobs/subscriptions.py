"""Subscriptions that may not live: contested ones are judged, superseded ones ended."""

from portal.billing import duplicates
from portal.outbox import handler

handler("subscription.judge")(duplicates.judge)
handler("subscription.end")(duplicates.end_superseded)
