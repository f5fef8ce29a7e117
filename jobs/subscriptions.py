"""Subscriptions that must end: duplicates, and free ones that a paid one replaced."""

from portal.billing.subscriptions import end_superseded
from portal.outbox import handler

handler("subscription.end")(end_superseded)
