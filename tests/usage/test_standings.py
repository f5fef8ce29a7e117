"""Where a resource stands of its limit, and which plan would have been the cheapest that is enough."""

from decimal import Decimal

import pytest

from portal import tenancy
from portal.models import Plan, PlanResource, Resource
from portal.usage import comparison
from portal.usage.summary import Standing
from tests.pages import rows

CALLS = Resource(resource_type="calls", aggregation="sum", unit="", names={"en": "Calls"}, decimals=0)


@pytest.mark.parametrize(
    ("used", "limit", "is_soft", "state", "percent"),
    [
        ("0", None, False, "endless", None),
        ("5", None, True, "endless", None),
        ("79.999", "100", False, "normal", 79),
        ("80", "100", False, "near", 80),
        ("99.999999999", "100", False, "near", 99),
        ("100", "100", False, "over", 100),
        ("100", "100", True, "near", 100),
        ("100.000000001", "100", True, "over", 100),
        ("0", "0", False, "normal", None),
        ("1", "0", False, "over", None),
        ("-5", "100", False, "normal", -5),
    ],
)
def test_a_state_is_of_what_is_used_and_of_the_kind_of_limit(used, limit, is_soft, state, percent):
    standing = Standing(CALLS, Decimal(used), None if limit is None else Decimal(limit), is_soft)
    assert (standing.state, standing.percent) == (state, percent)


def fits(tenant, **used):
    with tenancy.bound(tenant):
        found = comparison.fits({name: Decimal(quantity) for name, quantity in used.items()}, None)
    return {fit.offer.plan_id: fit for fit in found}


def test_a_plan_that_refuses_is_not_the_cheapest(tenant):
    found = fits(tenant, api_calls=1001)
    assert [resource.resource_type for resource in found["free"].refused] == ["api_calls"]
    assert [plan_id for plan_id, fit in found.items() if fit.is_cheapest] == ["starter"]
    assert found["starter"].total_minor == 2900


def test_what_no_plan_has_is_refused_by_all_unless_nothing_was_used(tenant):
    assert all(fit.refused for fit in fits(tenant, users=1).values())
    assert not any(fit.is_cheapest for fit in fits(tenant, users=1).values())
    assert fits(tenant, users=0)["free"].is_cheapest


def test_what_is_beyond_is_added_to_the_price(tenant, settings):
    tiers = {"usd": [{"up_to": None, "unit_amount_decimal": "0.5"}]}
    with rows.written(settings) as session:
        session.add(PlanResource(plan_id="starter", resource_type="api_calls", limit_kind="soft", tiers=tiers))
    found = fits(tenant, api_calls=50_000)["starter"]
    assert (found.base_minor, found.beyond_minor, found.refused) == (2900, 20_000, ())
    assert fits(tenant, api_calls=50_000)["professional"].is_cheapest


def test_a_plan_sold_by_the_year_costs_a_twelfth(tenant, settings):
    with rows.written(settings) as session:
        session.delete(rows.price(session, "starter", "month"))
    assert fits(tenant, api_calls=5)["starter"].base_minor == 2417  # 29,000 in twelve parts, half up


def test_an_archived_plan_is_not_compared(tenant, settings):
    with rows.written(settings) as session:
        session.get_one(Plan, "free").archived_at = rows.NOW
    assert "free" not in fits(tenant, api_calls=5)
