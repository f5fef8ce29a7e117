"""Checkouts that a request left behind; what Stripe is told of a customer."""

from portal.billing import checkout_sessions, customer_details
from portal.outbox import handler

handler("customer.describe")(customer_details.describe)
handler("checkout.open")(checkout_sessions.open_session)
handler("checkout.expire")(checkout_sessions.expire_session)
