"""Subscriptions: contested ones are judged, superseded ones ended; what requests left behind; the next invoice."""

from portal.billing import cancellations, duplicates, trials
from portal.mirror import next_invoices
from portal.outbox import handler

handler("subscription.judge")(duplicates.judge)
handler("subscription.end")(duplicates.end_superseded)
handler("subscription.cancel")(cancellations.carry_out)
handler("subscription.keep")(cancellations.take_back)
handler("subscription.resume")(trials.carry_out_resume)
handler(next_invoices.KIND)(next_invoices.refresh)
