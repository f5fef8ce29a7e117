"""What can no longer be reported is billed for what was reported before."""

import json

from portal import clock, tenancy
from portal.extensions import db
from portal.models import PlanResource, UsagePeriod
from portal.usage import charges, ingest, locks, resources
from tests.pages import rows
from tests.support import people


def test_usage_of_a_resource_that_was_archived_costs_what_it_did(web, worker, tenant, settings):
    with rows.written(settings) as session:
        rows.subscription(session, tenant)
        tiers = {"usd": [{"up_to": None, "unit_amount_decimal": "2"}]}
        session.add(PlanResource(plan_id="starter", resource_type="api_calls", limit_kind="soft", tiers=tiers))
    with tenancy.bound(tenant):
        report = {"resource_type": "api_calls", "quantity": 10_050, "timestamp": clock.now().isoformat()}
        assert ingest.record(json.dumps([report])).status(0) == "accepted"
    resources.archive("api_calls", actor=people.staff("admin").user_id)
    with worker.app_context(), tenancy.bound(tenant):
        locks.alone()
        [charge] = charges.add_up(db.session.scalars(db.select(UsagePeriod)).one())
        assert (charge.quantity, charge.beyond, charge.amount_minor) == (10_050, 50, 100)
