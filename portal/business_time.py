"""Business time: what the bound tenant's periods, trials and deadlines go by (design §5.6)."""

from datetime import datetime

from portal import clock, tenancy
from portal.extensions import db
from portal.models import Customer


def now() -> datetime:
    """The time that the bound tenant lives at: its test clock's, else Stripe's. Aware, in UTC."""
    customer = db.session.get(Customer, tenancy.require_tenant())
    return of(None if customer is None else customer.test_clock_at)


def of(test_clock_at: datetime | None) -> datetime:
    """The time of a tenant whose test clock, if it has one, shows that."""
    return test_clock_at or clock.stripe_now()
