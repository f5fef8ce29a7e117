"""The main job at the level of verbs: checkout, payment, mirror, document."""

import pytest
from sqlalchemy import func, select

from portal import tenancy
from portal.billing import checkouts
from portal.billing.catalogue import UnknownPlan
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.gateway.client import gateway
from portal.models import Checkout, Customer, Invoice, InvoiceDocument, Subscription
from tests.support import database
from tests.support.shopping import buy, start
from tests.support.threads import app_of, side_by_side

pytestmark = pytest.mark.usefixtures("pdf")


def test_from_checkout_to_document(web, tenant, stripe_sandbox, drain):
    checkout = buy(tenant, stripe_sandbox, drain)
    with tenancy.bound(tenant):
        found = checkouts.progress(checkouts.get(checkout.id))
        assert found.step == "active"
        assert found.is_final
        subscription = live_subscription()
        assert (subscription.plan_id, subscription.status, subscription.unit_amount_minor) == (
            "starter",
            "active",
            2900,
        )
        invoice = db.session.scalars(select(Invoice)).one()
        assert (invoice.status, invoice.total_minor, invoice.amount_paid_minor) == ("paid", 2900, 2900)
        assert invoice.subscription_id == subscription.id
        assert [line.amount_minor for line in invoice.lines] == [2900]
        assert [(payment.status, payment.method_last4) for payment in invoice.payments] == [("paid", "4242")]
        document = db.session.scalars(select(InvoiceDocument)).one()
        assert document.content.startswith(b"%PDF")
        assert invoice.document_state == "ready"


def test_unknown_plan(web, tenant):
    for plan, interval in (("nope", "month"), ("starter", "week"), ("", "")):
        with pytest.raises(UnknownPlan):
            start(tenant, plan, interval)


def test_the_same_choice_again_is_the_same_checkout(web, tenant):
    first, second = start(tenant), start(tenant)
    assert first.id == second.id
    assert first.url == second.url


def test_another_choice_ends_the_first(web, tenant, drain):
    first = start(tenant, "starter")
    second = start(tenant, "professional")
    drain()
    with tenancy.bound(tenant):
        assert checkouts.get(first.id).state == "expired"
        assert checkouts.get(second.id).state == "open"
    session = gateway().read(lambda s: s.v1.checkout.sessions.retrieve(first.stripe_session_id))
    assert session.status == "expired"


def test_a_second_subscription_is_refused(web, tenant, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain)
    with pytest.raises(checkouts.AlreadySubscribed):
        start(tenant, "professional")


def test_the_free_plan_needs_no_card_and_gives_way_to_a_paid_one(web, tenant, stripe_sandbox, drain):
    free = start(tenant, "free")
    assert free.state == "complete"
    drain()
    with tenancy.bound(tenant):
        assert live_subscription().plan_id == "free"
    buy(tenant, stripe_sandbox, drain, "starter")
    drain()
    with tenancy.bound(tenant):
        assert live_subscription().plan_id == "starter"
        rows = {row.plan_id: row for row in db.session.scalars(select(Subscription))}
        assert (rows["free"].superseded_reason, rows["free"].status) == ("replaced", "canceled")


def test_twenty_at_once_are_one_customer_and_one_subscription(web, settings, tenant, stripe_sandbox, drain):
    def click():
        app = app_of("web", settings=settings)
        with app.app_context():
            try:
                return start(tenant).url
            finally:
                database.dispose(app)

    urls = side_by_side(*[click] * 20)
    assert len({url for url in urls if url}) == 1  # those that came too early go to the page that waits
    with tenancy.bound(tenant):
        assert db.session.scalar(select(func.count()).select_from(Checkout)) == 1
        customer = db.session.scalars(select(Customer)).one().stripe_customer_id
    listed = gateway().read(lambda s: s.v1.customers.list({"limit": 100}))
    mine = [entry.id for entry in listed.data if entry.metadata.to_dict().get("tenant_id") == str(tenant)]
    assert mine == [customer]
    with tenancy.bound(tenant):
        session_id = db.session.scalars(select(Checkout.stripe_session_id)).one()
    stripe_sandbox.pay(session_id)
    with tenancy.bound(tenant):
        checkouts.refresh(db.session.scalars(select(Checkout)).one())
    drain()
    with tenancy.bound(tenant):
        assert [row.is_live for row in db.session.scalars(select(Subscription))] == [True]
    subscriptions = gateway().read(lambda s: s.v1.subscriptions.list({"customer": customer, "status": "all"}))
    assert len(subscriptions.data) == 1


def test_paid_twice_is_one_subscription_and_a_refund(web, tenant, stripe_sandbox, drain):
    """Two sessions of one tenant get paid, as when the end of the first one came too late."""
    first = start(tenant, "starter")
    stripe_sandbox.pay(first.stripe_session_id)
    second = start(tenant, "professional")  # its start tries to end the first one, which is paid already
    stripe_sandbox.pay(second.stripe_session_id)
    with tenancy.bound(tenant):
        checkouts.refresh(checkouts.get(second.id))
    drain()
    drain()
    with tenancy.bound(tenant):
        rows = db.session.scalars(select(Subscription)).all()
        live = [row for row in rows if row.is_live]
        duplicates = [row for row in rows if row.superseded_reason == "duplicate"]
        assert len(rows) == 2
        assert len(live) == len(duplicates) == 1
        assert duplicates[0].status == "canceled"
    refunds = gateway().read(lambda s: s.v1.refunds.list({"limit": 10}))
    assert duplicates[0].stripe_subscription_id in {
        refund.metadata.to_dict().get("subscription") for refund in refunds.data
    }
