"""Publishing coupons: as often as one likes, as coupons only, and what cannot be published is told."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import publish_coupons
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.models import Coupon, DriftFinding
from portal.outbox import Retry, Work
from tests.support import coupons, database

TERMS = [
    ({"percent_off": Decimal("12.50")}, {"percent_off": 12.5, "amount_off": None, "duration": "once"}),
    (
        {"duration": "repeating", "duration_in_months": 3},
        {"percent_off": 20, "duration": "repeating", "duration_in_months": 3},
    ),
    (
        {"amounts_off": {"eur": 450, "usd": 500}, "duration": "forever"},
        {"amount_off": 500, "currency": "usd", "duration": "forever"},
    ),
    ({"amounts_off": {"eur": 450}}, {"amount_off": 450, "currency": "eur"}),
]


def at_stripe(coupon):
    expand = ["applies_to", "currency_options"]
    return as_dict(gateway().read(lambda s: s.v1.coupons.retrieve(coupon.stripe_coupon_id, {"expand": expand})))


@pytest.mark.parametrize(("terms", "shown"), TERMS)
def test_the_terms_are_stripes(web, stripe_sandbox, terms, shown):
    found = at_stripe(coupons.make(web, max_redemptions=1, **terms))
    assert {name: found[name] for name in shown} == shown
    assert (found["name"], found["metadata"]["code"]) == ("Save20", "SAVE20")
    assert (found["max_redemptions"], found["redeem_by"]) == (None, None)  # caps and windows are ours
    if len(terms.get("amounts_off", ())) > 1:
        assert found["currency_options"]["eur"]["amount_off"] == 450
    assert stripe_sandbox.listed("promotion_codes") == []


def test_it_applies_to_the_products_of_its_plans(web, stripe_sandbox):
    assert at_stripe(coupons.make(web, plan_ids=["starter"]))["applies_to"] == {"products": ["plan_starter"]}


def test_again_it_changes_nothing_and_a_lost_answer_is_found(web, settings, stripe_sandbox):
    stripe_sandbox.post("fail", match="POST /v1/coupons", mode="drop_after_effect")
    with pytest.raises(Exception, match="payment_service_unavailable"):
        coupons.make(web)
    coupons.publish(settings)
    coupons.publish(settings)
    [row] = database.as_owner(settings, "SELECT stripe_coupon_id FROM coupons")
    assert [each["id"] for each in stripe_sandbox.listed("coupons")].count(row["stripe_coupon_id"]) == 1


def test_what_stripe_refuses_is_a_finding_and_holds_nobody_up(web, settings, stripe_sandbox):
    database.as_owner(settings, "UPDATE plans SET stripe_product_id = 'gone' WHERE plan_id = 'enterprise'")
    refused = coupons.make(web, "BAD", plan_ids=["enterprise"])
    fine = coupons.make(web, "GOOD")
    assert (refused.stripe_coupon_id, fine.stripe_coupon_id) == (None, f"coupon_{fine.id.hex}")
    with tenancy.staff_session() as session:
        findings = session.execute(select(DriftFinding.kind, DriftFinding.object_id)).all()
    assert [tuple(row) for row in findings] == [("unpublished_coupon", str(refused.id))]


def test_it_waits_for_its_plans(web, settings, worker, stripe_sandbox):
    database.as_owner(settings, "UPDATE plans SET stripe_product_id = NULL WHERE plan_id = 'enterprise'")
    waiting = coupons.make(web, plan_ids=["enterprise"])
    assert waiting.stripe_coupon_id is None
    with worker.app_context(), tenancy.bound():
        work = Work(waiting.id, "coupon.publish", "key", waiting.id, None, {"coupon_id": str(waiting.id)})
        with pytest.raises(Retry):
            publish_coupons.publish(work)
        database.as_owner(
            settings, "UPDATE plans SET stripe_product_id = 'plan_enterprise' WHERE plan_id = 'enterprise'"
        )
        publish_coupons.publish_missing_coupons()
        assert db.session.get_one(Coupon, waiting.id, populate_existing=True).stripe_coupon_id
