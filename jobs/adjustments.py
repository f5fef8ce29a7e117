"""Money that staff put right, and what follows from a dispute."""

from portal.billing import adjustment_works, dispute_policies
from portal.outbox import handler

handler("adjustment.perform")(adjustment_works.perform)
handler("dispute.follow")(dispute_policies.follow)
