"""Changes of plan that a request left behind, and what follows from them."""

from portal.billing.plan_change_work import HANDLERS
from portal.outbox import handler

for _kind, _function in HANDLERS.items():
    handler(_kind)(_function)
