"""Who is due, as one query over all tenants has it, is who would be moved if each were looked at by itself."""

from itertools import product

from sqlalchemy import update

from portal import clock, tenancy
from portal.billing import standing
from portal.extensions import db
from portal.mirror import standings
from portal.models import Customer, Plan
from portal.models.collection import STANDINGS
from tests.pages import rows
from tests.support.shopping import make_tenant

OVERDUE_DAYS = (None, 3, 7, 8, 14, 20)
PAYMENT_STATES = ("failed", "processing")
PLANS = {"starter": "wait", "professional": "grant"}


def test_the_query_and_the_rule_agree(app, settings):
    expected = {}
    with rows.written(settings) as session:
        for plan_id, access in PLANS.items():
            session.execute(update(Plan).where(Plan.plan_id == plan_id).values(processing_access=access))
        cases = product(STANDINGS, OVERDUE_DAYS, PAYMENT_STATES, PLANS, ("active", "canceled"))
        for state, days, payment_state, plan_id, status in cases:
            tenant_id = make_tenant()
            session.merge(Customer(tenant_id=tenant_id))
            rows.subscription(session, tenant_id, plan_id, status=status)
            if state != "good" or days is not None:
                rows.standing(session, tenant_id, state, days or 0)
            if days is not None:
                rows.overdue(session, tenant_id, days=days, payment_state=payment_state)
            expected[tenant_id] = state
    with tenancy.reader_session() as session:
        asked = {"now": clock.stripe_now(), "live": list(standing.LIVE_STATUSES), "limit": len(expected) + 1}
        due = set(session.scalars(standing._DUE, asked))
    for tenant_id, state in expected.items():
        with tenancy.bound(tenant_id):
            target = standings.state_after(standings.overdue_since(), clock.now())
            assert (tenant_id in due) == (target != state), (state, target)
            db.session.rollback()
    assert 0 < len(due) < len(expected)
