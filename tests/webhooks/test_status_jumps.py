"""A status that cannot follow is mirrored and reported; every one that can is only mirrored."""

from itertools import product

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.extensions import db
from portal.mirror import subscriptions
from portal.mirror.status_jumps import INVOICE, SUBSCRIPTION
from portal.models import DriftFinding, Subscription
from tests.support.shopping import buy

STATUSES = sorted(SUBSCRIPTION)


@pytest.fixture(name="resource")
def fixture_resource(web, tenant, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain)
    with tenancy.bound(tenant):
        subscription_id = db.session.scalars(select(Subscription.stripe_subscription_id)).one()
        return subscriptions.fetch(subscription_id)


def see(worker, tenant, resource, before, after):
    """Mirrored as ``before``, then as ``after``; returns the status that is ours then, and what was reported."""
    with worker.app_context(), tenancy.bound(tenant):
        row = db.session.scalars(select(Subscription)).one()
        row.status = before
        db.session.flush()
        subscriptions.apply({**resource, "status": after})
        found = db.session.scalars(select(DriftFinding).where(DriftFinding.kind == "unexpected_status")).all()
        return row.status, [entry.details for entry in found]  # nothing is committed: each pair begins anew


def test_every_pair_of_a_subscription(worker, tenant, resource):
    for before, after in product(STATUSES, STATUSES):
        expected = before == after or after in SUBSCRIPTION[before]
        told = [] if expected else [{"before": before, "after": after}]
        assert see(worker, tenant, resource, before, after) == (after, told), (before, after)


def test_nothing_follows_an_end():
    assert not any(SUBSCRIPTION[end] for end in ("canceled", "incomplete_expired"))
    assert not any(INVOICE[end] for end in ("paid", "void"))
