"""What can no longer be reported is billed for what was reported before."""

import json
from decimal import Decimal

from portal import clock, tenancy
from portal.extensions import db
from portal.models import Plan, PlanResource, UsagePeriod
from portal.usage import charges, comparison, ingest, locks, look, resources, summary
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


def test_what_was_used_before_stands_beside_its_terms_as_it_is_billed(web, tenant, settings):
    """Limit and cost of what was archived within the period; in a period that did not use it, it is not there."""
    with rows.written(settings) as session:
        rows.subscription(session, tenant)
        tiers = {"usd": [{"up_to": None, "unit_amount_decimal": "2"}]}
        session.add(PlanResource(plan_id="starter", resource_type="api_calls", limit_kind="soft", tiers=tiers))
    with tenancy.bound(tenant):
        report = {"resource_type": "api_calls", "quantity": 10_050, "timestamp": clock.now().isoformat()}
        ingest.record(json.dumps([report]))
    admin = people.staff("admin").user_id
    for name in ("api_calls", "storage_gb"):
        resources.archive(name, actor=admin)
    with tenancy.bound(tenant):
        shown = look.period()
        [standing] = shown.standings
        assert (standing.resource.resource_type, standing.limit, standing.is_soft) == ("api_calls", 10_000, True)
        detail = look.detail(shown, look.Filters("api_calls"))
        assert detail is not None
        assert detail.cost is not None
        assert detail.cost.so_far_minor == 100
        beside = summary.beside(db.session.get_one(Plan, "starter"), "usd")
        assert (beside.beyond_minor, beside.standings[0].limit) == (100, 10_000)
        [now] = summary.of_now().resources
        assert now.limit == 10_000
        fit = next(
            each for each in comparison.fits({"api_calls": Decimal(10_050)}, None) if each.offer.plan_id == "starter"
        )
        assert (fit.beyond_minor, fit.refused) == (100, ())
