"""Checkouts that a request left behind."""

from portal.billing import checkout_sessions
from portal.outbox import handler

handler("checkout.open")(checkout_sessions.open_session)
handler("checkout.expire")(checkout_sessions.expire_session)
