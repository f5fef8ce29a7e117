"""The tenant at Stripe: made once, and told by name in the end."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal import tenancy
from portal.billing import customers
from portal.extensions import db
from portal.gateway import lists
from portal.gateway.client import gateway
from portal.models import Checkout, Customer
from tests.pages.rows import written
from tests.support import database
from tests.support.shopping import make_tenant, start


def at_stripe(tenant):
    with tenancy.bound(tenant):
        customer_id = db.session.get_one(Customer, tenant).stripe_customer_id
    return gateway().read(lambda s: s.v1.customers.retrieve(customer_id))


def test_name_and_address_reach_stripe_although_it_was_away_once(web, tenant, stripe_sandbox, drain, settings):
    stripe_sandbox.post("fail", match="POST /v1/customers/cus_*", mode="500")
    start(tenant)
    drain()
    database.let_time_pass(settings)
    drain()
    found = at_stripe(tenant)
    assert found.name
    assert found.email
    assert found.preferred_locales == ["en"]


def test_a_customer_that_was_made_is_found_behind_many_others(web, stripe_sandbox, settings, monkeypatch):
    """The answer was lost, its key is forgotten, and others came since: a second one would split the tenant."""
    monkeypatch.setattr(lists, "PAGE", 2)
    tenant = make_tenant()
    stripe_sandbox.post("fail", match="POST /v1/customers", mode="drop_after_effect")
    with pytest.raises(Exception, match="payment_service_unavailable"):
        start(tenant)
    for number in range(5):
        gateway().write(lambda s: s.v1.customers.create({"metadata": {"number": str(number)}}))  # noqa: B023
    with written(settings) as session:
        session.execute(update(Customer).values(requested_at=Customer.requested_at - timedelta(days=1)))
    stripe_sandbox.forget("keys")
    with tenancy.bound(tenant):
        found = customers.ensure_stripe_customer()
    listed = stripe_sandbox.listed("customers")
    assert [entry["id"] for entry in listed if entry["metadata"].get("tenant_id") == str(tenant)] == [found]


def test_a_subscription_that_was_made_is_found_behind_many_others(web, tenant, stripe_sandbox, drain, settings):
    stripe_sandbox.post("fail", match="POST /v1/subscriptions", mode="drop_after_effect")
    with pytest.raises(Exception, match="payment_service_unavailable"):
        start(tenant, "free")
    with tenancy.bound(tenant):
        customer = db.session.get_one(Customer, tenant).stripe_customer_id
    first = stripe_sandbox.listed("subscriptions", customer=customer)[0]
    price = first["items"]["data"][0]["price"]["id"]
    for _ in range(11):
        params = {"customer": customer, "items": [{"price": price}]}
        made = gateway().write(lambda s: s.v1.subscriptions.create(params)).id  # noqa: B023
        gateway().write(lambda s: s.v1.subscriptions.cancel(made))  # noqa: B023
    with written(settings) as session:
        session.execute(update(Checkout).values(created_at=Checkout.created_at - timedelta(days=1)))
    stripe_sandbox.forget("keys")
    database.let_time_pass(settings)
    drain()
    with tenancy.bound(tenant):
        assert db.session.scalars(select(Checkout.stripe_subscription_id)).one() == first["id"]
