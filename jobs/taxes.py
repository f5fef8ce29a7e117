"""Taxes at Stripe, as they were decided here."""

from portal.billing import tax_works
from portal.outbox import handler

handler("tax.apply")(tax_works.apply)
handler("tax.spread")(tax_works.spread)
