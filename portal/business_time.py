"""Business time: what the bound tenant's periods, trials and deadlines go by (design §5.6)."""

from datetime import datetime

from portal import clock, tenancy
from portal.extensions import db
from portal.models import Customer


def now() -> datetime:
    """The time that the bound tenant lives at: its test clock's, else Stripe's. Aware, in UTC."""
    customer = db.session.get(Customer, tenancy.require_tenant())
    if customer is not None and customer.test_clock_at is not None:
        return customer.test_clock_at
    return clock.stripe_now()
