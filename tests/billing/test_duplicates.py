"""Two subscriptions of one tenant: whatever our record says, Stripe's word of both decides."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import checkouts
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.inbox import want
from portal.models import Checkout, Notice, PlanPrice, StripeCustomer, Subscription
from portal.outbox import stage
from tests.pages import rows
from tests.support import changing, database
from tests.support.shopping import buy, land, make_tenant, start, step
from tests.support.steps import bring


def stripe_subscribe(tenant_id, plan_id: str) -> str:
    """A subscription made at Stripe's dashboard, with the card that is there."""
    with tenancy.bound(tenant_id):
        customer = db.session.scalars(select(StripeCustomer.customer_id)).one()
        price = db.session.scalars(
            select(PlanPrice.stripe_price_id).where(PlanPrice.plan_id == plan_id, PlanPrice.interval == "month")
        ).one()
    gateway().write(lambda s: s.v1.payment_methods.attach("pm_card_visa", {"customer": customer}))
    methods = gateway().read(lambda s: s.v1.customers.payment_methods.list(customer))
    params = {
        "customer": customer,
        "items": [{"price": price}],
        "default_payment_method": methods.data[0].id,
    }
    return gateway().write(lambda s: s.v1.subscriptions.create(params)).id


def see(subscription_id: str) -> None:
    tenancy.fresh()
    want(subscription_id, "subscription")
    db.session.commit()


def refunds_for(subscription_id: str) -> list[int]:
    found = gateway().read(lambda s: s.v1.refunds.list({"limit": 100}))
    mine = [entry for entry in found.data if entry.metadata.to_dict().get("subscription") == subscription_id]
    return [refund.amount for refund in mine]


def test_staff_replaced_it_at_stripe_and_the_news_came_in_the_wrong_order(web, tenant, stripe_sandbox, drain):
    """The old one was cancelled first, but we read the new one first: nothing may be ended or refunded."""
    buy(tenant, stripe_sandbox, drain, "starter")
    with tenancy.bound(tenant):
        old, old_id = live_subscription().stripe_subscription_id, live_subscription().id
    gateway().write(lambda s: s.v1.subscriptions.cancel(old))
    new = stripe_subscribe(tenant, "professional")
    see(new)
    drain()
    with tenancy.bound(tenant):
        live = live_subscription()
        assert (live.stripe_subscription_id, live.plan_id, live.status) == (new, "professional", "active")
        assert db.session.scalars(
            select(Subscription.status).where(Subscription.stripe_subscription_id == old)
        ).one() == ("canceled")
        told = {row.object_id for row in db.session.scalars(select(Notice)) if row.kind == "subscription_canceled"}
        assert told == {str(old_id)}  # judging must not swallow the news of the old one's end
    assert gateway().read(lambda s: s.v1.subscriptions.retrieve(new)).status == "active"
    assert refunds_for(new) == []


def test_a_real_duplicate_is_ended_and_refunded(web, tenant, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain, "starter")
    second = stripe_subscribe(tenant, "professional")
    see(second)
    drain()
    with tenancy.bound(tenant):
        assert live_subscription().plan_id == "starter"
        row = db.session.scalars(select(Subscription).where(Subscription.stripe_subscription_id == second)).one()
        assert (row.superseded_reason, row.status) == ("duplicate", "canceled")
    assert refunds_for(second) == [9900]


@pytest.mark.parametrize("balance", [-1000, -20000, 500])
def test_what_a_duplicate_took_of_the_balance_comes_back(web, tenant, stripe_sandbox, drain, settings, balance):
    """A part of the invoice, all of it, or a debt that it collected; told to staff, and once."""
    buy(tenant, stripe_sandbox, drain, "starter")
    with tenancy.bound(tenant):
        customer = db.session.scalars(select(StripeCustomer.customer_id)).one()
    params = {"amount": balance, "currency": "usd"}
    gateway().write(lambda s: s.v1.customers.balance_transactions.create(customer, params))
    second = stripe_subscribe(tenant, "professional")
    stripe_sandbox.post("fail", match="POST /v1/customers/*/balance_transactions", mode="drop_after_effect")
    see(second)
    drain()
    stripe_sandbox.forget("keys")
    database.let_time_pass(settings)
    drain()
    assert refunds_for(second) == [amount for amount in [9900 + balance] if amount > 0]
    found = gateway().read(lambda s: s.v1.customers.retrieve(customer)).balance
    assert found == balance
    assert "duplicate_balance" in {kind for kind, _ in changing.findings(tenant)}


def test_paid_although_it_was_left(web, tenant, stripe_sandbox, drain):
    """Paid in one tab, left in the other: the page never says that nothing was charged, and it turns active."""
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    with tenancy.bound(tenant):
        checkouts.abandon(checkout.id)
    assert step(tenant, checkout) == "waiting"
    land(tenant, checkout)
    drain()
    assert step(tenant, checkout) == "active"


def test_no_second_session_stays_open_beside_a_paid_one(web, tenant, stripe_sandbox, drain):
    first = start(tenant, "starter")
    stripe_sandbox.pay(first.stripe_session_id)
    second = start(tenant, "professional")
    drain()
    session = gateway().read(lambda s: s.v1.checkout.sessions.retrieve(second.stripe_session_id))
    assert session.status == "expired"
    with tenancy.bound(tenant):
        assert live_subscription().plan_id == "starter"
        assert checkouts.get(second.id).state in ("abandoned", "expired")


def test_a_payment_that_is_being_confirmed_keeps_a_second_one_away(web, tenant, stripe_sandbox):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    with tenancy.bound(tenant):  # the session was mirrored, the subscription not yet
        row = checkouts.get(checkout.id)
        bring(db.session(), row, "complete")
        row.stripe_subscription_id = "sub_not_here_yet"
        db.session.commit()
    with pytest.raises(checkouts.BeingConfirmed):
        start(tenant, "professional")


def test_work_that_names_another_tenants_subscription_does_nothing(web, worker, stripe_sandbox, drain):
    victim, attacker = make_tenant(), make_tenant()
    buy(victim, stripe_sandbox, drain)
    with tenancy.bound(victim):
        subscription_id = live_subscription().stripe_subscription_id
    with worker.app_context():
        payload = {"stripe_subscription_id": subscription_id, "refund": True}
        stage("subscription.end", "subscription.end:forged", tenant_id=attacker, payload=payload)
        db.session.commit()
    drain()
    assert gateway().read(lambda s: s.v1.subscriptions.retrieve(subscription_id)).status == "active"
    assert refunds_for(subscription_id) == []


def test_a_checkout_that_was_never_opened_ends_after_a_day(web, tenant):
    with rows.written(web.extensions["settings"]) as session:
        long_ago = rows.NOW - timedelta(days=1)
        checkout = rows.checkout(session, tenant, "preparing", stripe_session_id=None, created_at=long_ago)
    assert step(tenant, checkout) == "expired"
    assert start(tenant).id != checkout.id


def test_a_session_that_expired_without_telling_us_makes_way(web, tenant, stripe_sandbox, drain):
    first = start(tenant)
    stripe_sandbox.post(f"checkout/{first.stripe_session_id}/expire")
    start(tenant)  # the same one once more, and it is looked at
    drain()
    assert step(tenant, first) == "expired"
    second = start(tenant)
    assert second.id != first.id
    with tenancy.bound(tenant):
        assert db.session.get_one(Checkout, (tenant, second.id)).state == "open"
