"""Changes of plan at the level of verbs: what can go wrong between the quote and the new plan."""

import time
from datetime import timedelta

import pytest
import requests
from sqlalchemy import func, select

from portal import clock, tenancy
from portal.billing import catalogue, plan_changes
from portal.billing import plan_change_errors as errors
from portal.billing.catalogue import UnknownPlan
from portal.billing.subscriptions import live_subscription
from portal.errors import NotFound
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.inbox import want
from portal.mirror import subscriptions as mirrored
from portal.models import AuditEntry, Customer, Invoice, Notice, PlanChange
from portal.models.subscriptions import Subscription
from portal.security.audit import verify
from tests.pages import rows
from tests.support import changing, database
from tests.support.changing import cancel, confirm, findings, quote, seen
from tests.support.shopping import buy, make_tenant
from tests.support.threads import app_of, side_by_side

UPDATES = "POST /v1/subscriptions/*"


@pytest.fixture(name="subscriber")
def fixture_subscriber(web, tenant, stripe_sandbox, drain):
    """A tenant on Starter."""
    buy(tenant, stripe_sandbox, drain)
    return tenant


@pytest.fixture(name="fail")
def fixture_fail(stripe_sandbox):
    """Let the next matching call fail in a way of the control API."""
    yield lambda match, mode, times=1: stripe_sandbox.post("fail", match=match, mode=mode, times=times)
    requests.delete(f"{stripe_sandbox.url}/_sandbox/fail", json={}, timeout=20).raise_for_status()


def held(tenant_id) -> Subscription:
    with tenancy.bound(tenant_id):
        found = live_subscription()
    assert found is not None
    return found


def customer_of(tenant_id) -> str:
    with tenancy.bound(tenant_id):
        return str(db.session.scalars(select(Customer.stripe_customer_id)).one())


def at_stripe(tenant_id):
    return gateway().read(lambda s: s.v1.subscriptions.retrieve(held(tenant_id).stripe_subscription_id))


def update_at_stripe(tenant_id, **params) -> None:
    """What somebody does at Stripe's dashboard."""
    subscription_id = held(tenant_id).stripe_subscription_id
    gateway().write(lambda s: s.v1.subscriptions.update(subscription_id, params))


def charged(tenant_id) -> list[int]:
    found = gateway().read(lambda s: s.v1.invoices.list({"customer": customer_of(tenant_id), "limit": 100}))
    return [invoice.amount_paid for invoice in reversed(found.data)]


def use_card(tenant_id, method: str) -> None:
    """Another card of the customer, which the subscription is charged to from now on."""
    customer = customer_of(tenant_id)
    attached = gateway().write(lambda s: s.v1.payment_methods.attach(method, {"customer": customer})).id
    update_at_stripe(tenant_id, default_payment_method=attached)


def run_out(settings, change: PlanChange) -> None:
    with rows.written(settings) as session:
        session.get_one(PlanChange, (change.tenant_id, change.id)).expires_at = clock.now() - timedelta(seconds=1)


def test_a_double_click_changes_and_charges_once(subscriber, drain):
    change = quote(subscriber, "professional")
    first, second = confirm(subscriber, change), confirm(subscriber, change)
    assert (first.state, second.state) == ("applied", "applied")
    drain()
    assert charged(subscriber) == [2900, change.due_minor]
    assert findings(subscriber) == []
    assert verify(subscriber) == []


def clicker(settings, tenant_id, change, after=0.0):
    """One press of the button in an app of its own, so many seconds from now."""

    def click():
        app = app_of("web", settings)
        time.sleep(after)
        with app.app_context():
            try:
                return confirm(tenant_id, change).state
            finally:
                database.dispose(app)

    return click


def test_a_tab_that_is_slower_than_the_other_sees_that_it_was_done(subscriber, settings, stripe_sandbox, drain):
    """While it asked Stripe for the price again the other one changed the plan: that is no new price."""
    change = quote(subscriber, "professional")
    stripe_sandbox.post("fail", match="POST /v1/invoices/create_preview", mode="delay", seconds=3, times=1)
    slow, fast = clicker(settings, subscriber, change), clicker(settings, subscriber, change, after=1.0)
    assert side_by_side(slow, fast) == ["applied", "applied"]
    drain()
    assert charged(subscriber) == [2900, change.due_minor]


def test_ten_at_once_change_once(subscriber, settings, drain):
    change = quote(subscriber, "professional")
    states = side_by_side(*[clicker(settings, subscriber, change)] * 10)
    assert set(states) <= {"confirmed", "applied"}
    drain()
    assert charged(subscriber) == [2900, change.due_minor]


def test_two_tabs_with_two_plans(subscriber):
    one, other = quote(subscriber, "professional"), quote(subscriber, "enterprise")
    assert confirm(subscriber, one).state == "applied"
    with pytest.raises((errors.QuoteMoved, errors.SubscriptionMoved)):
        confirm(subscriber, other)
    assert seen(subscriber, other).state == "expired"


def test_a_second_change_waits_for_the_first(subscriber):
    downgrade = confirm(subscriber, quote(subscriber, "free"))
    assert downgrade.state == "scheduled"
    with pytest.raises(errors.ChangeUnderWay):
        quote(subscriber, "professional")
    assert cancel(subscriber, downgrade).state == "canceled"


def test_the_same_question_has_the_same_offer(subscriber):
    """The back button and a reload."""
    assert quote(subscriber, "professional").id == quote(subscriber, "professional").id
    with tenancy.bound(subscriber):
        assert db.session.scalar(select(func.count()).select_from(PlanChange)) == 1


def test_an_expired_offer_is_not_charged_and_another_is_made(subscriber, settings):
    change = quote(subscriber, "professional")
    run_out(settings, change)
    with pytest.raises(errors.QuoteExpired) as refused:
        confirm(subscriber, change)
    newer = refused.value.params["replacement"]
    assert seen(subscriber, change).replaced_by == newer
    assert charged(subscriber) == [2900]
    with tenancy.bound(subscriber):
        assert plan_changes.is_valid(plan_changes.get(newer))
    with pytest.raises(errors.QuoteExpired) as again:
        confirm(subscriber, change)
    assert again.value.params["replacement"] == newer


def test_a_plan_that_was_withdrawn_in_between(subscriber, settings):
    change = quote(subscriber, "professional")
    changing.policy(settings, "professional", archived_at=clock.now())
    with pytest.raises(UnknownPlan):
        confirm(subscriber, change)
    assert (seen(subscriber, change).state, charged(subscriber)) == ("expired", [2900])


def test_a_subscription_that_was_cancelled_at_stripes_dashboard(subscriber, drain):
    change = quote(subscriber, "professional")
    subscription_id = held(subscriber).stripe_subscription_id
    gateway().write(lambda s: s.v1.subscriptions.cancel(subscription_id))
    with pytest.raises(errors.SubscriptionMoved):
        confirm(subscriber, change)
    drain()
    with pytest.raises(errors.NotSubscribed):
        quote(subscriber, "professional")
    assert charged(subscriber) == [2900]


def test_a_plan_that_was_changed_at_stripes_dashboard_is_accepted_and_shown(subscriber, drain):
    change = quote(subscriber, "enterprise")
    item = at_stripe(subscriber)["items"].data[0].id
    with tenancy.bound(subscriber):
        price = catalogue.offer("professional", "month")[1].stripe_price_id
    update_at_stripe(subscriber, items=[{"id": item, "price": price, "quantity": 1}], proration_behavior="none")
    with pytest.raises(errors.SubscriptionMoved):
        confirm(subscriber, change)
    drain()
    assert held(subscriber).plan_id == "professional"
    with tenancy.bound(subscriber):
        kinds = set(db.session.scalars(select(Notice.kind)))
        assert "plan_changed" in kinds
        assert "subscription.plan" in set(db.session.scalars(select(AuditEntry.verb)))


def test_a_coupon_that_was_removed_in_between_makes_a_new_offer(subscriber):
    coupon = gateway().write(lambda s: s.v1.coupons.create({"percent_off": 50, "duration": "forever"})).id
    update_at_stripe(subscriber, discounts=[{"coupon": coupon}])
    change = quote(subscriber, "professional")
    update_at_stripe(subscriber, discounts="")
    with pytest.raises(errors.QuoteMoved) as refused:
        confirm(subscriber, change)
    newer = seen(subscriber, change)
    assert newer.state == "expired"
    with tenancy.bound(subscriber):
        assert plan_changes.get(refused.value.params["replacement"]).due_minor > change.due_minor
    assert charged(subscriber) == [2900]


def test_a_subscription_in_another_currency(subscriber, settings):
    with rows.written(settings) as session:
        session.scalars(select(Subscription)).one().currency = "eur"
    with pytest.raises(errors.OtherCurrency) as refused:
        quote(subscriber, "professional")
    assert refused.value.params == {"billed": "EUR", "sold": "USD"}


@pytest.mark.parametrize(
    ("quantity", "error"),
    [
        (0, errors.QuantityTooSmall),
        (-1, errors.QuantityTooSmall),
        (10**9, errors.QuantityTooLarge),
        ("nine", errors.QuantityNotANumber),
        ("9" * 5000, errors.QuantityTooLarge),
    ],
)
def test_quantities_that_make_no_sense(subscriber, quantity, error):
    with pytest.raises(error):
        quote(subscriber, "professional", quantity=quantity)


def test_seats_are_sold_by_the_quantity(subscriber, settings, drain):
    changing.policy(settings, "starter", max_quantity=50)
    change = confirm(subscriber, quote(subscriber, "starter", quantity=3))
    drain()
    assert (change.direction, change.state, held(subscriber).quantity) == ("upgrade", "applied", 3)
    fewer = quote(subscriber, "starter", quantity=2)
    assert (fewer.direction, fewer.timing) == ("downgrade", "period_end")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("past_due", errors.PaymentOverdue),
        ("unpaid", errors.PaymentOverdue),
        ("paused", errors.SubscriptionPaused),
    ],
)
def test_states_in_which_a_plan_stays_as_it_is(subscriber, settings, status, error):
    with rows.written(settings) as session:
        session.scalars(select(Subscription)).one().status = status
    with pytest.raises(error):
        quote(subscriber, "professional")


def test_one_that_ends_soon_has_to_be_kept_first(subscriber, drain):
    change = quote(subscriber, "professional")
    update_at_stripe(subscriber, cancel_at_period_end=True)
    with tenancy.bound(subscriber):
        want(held(subscriber).stripe_subscription_id, "subscription")
        db.session.commit()
    drain()
    with pytest.raises(errors.SubscriptionEnding):
        confirm(subscriber, change)
    assert seen(subscriber, change).state == "expired"


@pytest.mark.parametrize("mode", ["429", "500", "connection_reset", "drop_after_effect"])
def test_an_unknown_answer_is_finished_by_a_worker_with_the_same_key(subscriber, drain, fail, mode):
    change = quote(subscriber, "professional")
    fail(UPDATES, mode)
    assert confirm(subscriber, change).state == "confirmed"
    drain()
    assert seen(subscriber, change).state == "applied"
    assert held(subscriber).plan_id == "professional"
    assert charged(subscriber) == [2900, change.due_minor]
    assert findings(subscriber) == []


@pytest.mark.parametrize("call", ["POST /v1/subscription_schedules", "POST /v1/subscription_schedules/*"])
@pytest.mark.parametrize("mode", ["500", "drop_after_effect"])
def test_a_lost_answer_about_a_schedule(subscriber, drain, fail, call, mode):
    change = quote(subscriber, "free")
    fail(call, mode)
    confirm(subscriber, change)
    drain()
    assert seen(subscriber, change).state == "scheduled"
    listed = gateway().read(lambda s: s.v1.subscription_schedules.list({"customer": customer_of(subscriber)}))
    assert [len(schedule.phases) for schedule in listed.data] == [2]
    assert held(subscriber).scheduled_at == held(subscriber).current_period_end


def test_the_webhook_before_the_answer(subscriber, drain, fail, stripe_sandbox):
    change = quote(subscriber, "professional")
    fail(UPDATES, "drop_after_effect")
    confirm(subscriber, change)
    with tenancy.bound(subscriber):
        want(held(subscriber).stripe_subscription_id, "subscription")
        db.session.commit()
    drain()
    drain()
    assert (seen(subscriber, change).state, held(subscriber).plan_id) == ("applied", "professional")


def test_a_change_that_stripe_refuses_leaves_everything_as_it_was(subscriber, drain, fail):
    change = quote(subscriber, "professional")
    fail(UPDATES, "400")
    assert confirm(subscriber, change).state == "failed"
    drain()
    assert (held(subscriber).plan_id, charged(subscriber)) == ("starter", [2900])
    assert confirm(subscriber, quote(subscriber, "professional")).state == "applied"


def test_a_declined_card_leaves_the_old_plan_until_it_is_paid(subscriber, drain):
    use_card(subscriber, "pm_card_chargeCustomerFail")
    drain()
    change = confirm(subscriber, quote(subscriber, "professional"))
    drain()
    assert (change.state, held(subscriber).plan_id, held(subscriber).status) == (
        "awaiting_payment", "starter", "active",
    )  # fmt: skip
    assert change.pay_until is not None
    with tenancy.bound(subscriber):
        assert set(db.session.scalars(select(Notice.kind))) >= {"plan_change_awaiting_payment"}
        assert "payment_failed" not in set(db.session.scalars(select(Notice.kind)))
        invoice = db.session.scalars(select(Invoice).where(Invoice.stripe_invoice_id == change.stripe_invoice_id)).one()
        assert (invoice.status, invoice.document_state, bool(invoice.hosted_invoice_url)) == ("open", "none", True)
    paid_with = gateway().write(
        lambda s: s.v1.payment_methods.attach("pm_card_visa", {"customer": customer_of(subscriber)})
    )
    gateway().write(lambda s: s.v1.invoices.pay(str(change.stripe_invoice_id), {"payment_method": paid_with.id}))
    with tenancy.bound(subscriber):
        plan_changes.refresh(plan_changes.get(change.id))
    drain()
    assert (seen(subscriber, change).state, held(subscriber).plan_id) == ("applied", "professional")
    assert charged(subscriber) == [2900, change.due_minor]
    with tenancy.bound(subscriber):
        told = db.session.execute(select(Notice.kind, Notice.state).where(Notice.kind.like("plan_change%"))).all()
        assert {tuple(row) for row in told} == {("plan_change_awaiting_payment", "sent"), ("plan_changed", "sent")}


def test_extra_authentication_can_be_given_up(subscriber, drain):
    """3-D Secure: the bank asks, the customer would rather not."""
    use_card(subscriber, "pm_card_authenticationRequired")
    drain()
    change = confirm(subscriber, quote(subscriber, "professional"))
    assert change.state == "awaiting_payment"
    drain()
    assert cancel(subscriber, change).state == "canceled"
    drain()
    with tenancy.bound(subscriber):
        ended = select(Notice.state).where(Notice.kind == "plan_change_ended")
        assert set(db.session.scalars(ended)) == {"sent"}
    assert (held(subscriber).plan_id, held(subscriber).pending_until) == ("starter", None)
    assert charged(subscriber) == [2900, 0]
    assert findings(subscriber) == []


def test_a_schedule_that_was_released_at_stripes_dashboard(subscriber, drain):
    change = confirm(subscriber, quote(subscriber, "free"))
    drain()
    gateway().write(lambda s: s.v1.subscription_schedules.release(str(change.stripe_schedule_id)))
    with tenancy.bound(subscriber):
        want(held(subscriber).stripe_subscription_id, "subscription")
        db.session.commit()
    drain()
    assert seen(subscriber, change).state == "canceled"
    assert [kind for kind, _ in findings(subscriber)] == ["plan_change_dropped"]
    assert held(subscriber).scheduled_at is None


def test_a_reading_from_before_the_schedule_drops_nothing(subscriber, worker, drain):
    """The mirror read the subscription, then the change was scheduled, then the mirror wrote what it had read."""
    old = mirrored.fetch(held(subscriber).stripe_subscription_id)
    change = confirm(subscriber, quote(subscriber, "free"))
    with worker.app_context(), tenancy.bound(subscriber):
        mirrored.apply(old)
        db.session.commit()
    drain()
    assert seen(subscriber, change).state == "scheduled"
    assert findings(subscriber) == []


def test_another_tenants_change_is_not_found(subscriber, web):
    change = quote(subscriber, "professional")
    with pytest.raises(NotFound):
        confirm(make_tenant(), change)


def test_policies_of_the_plan_that_one_has(subscriber, settings):
    changing.policy(settings, "starter", upgrade_at="period_end", downgrade_at="now")
    assert quote(subscriber, "professional").timing == "period_end"
    free = quote(subscriber, "free")
    assert (free.timing, free.due_minor, free.quote["today"]["total_minor"] < 0) == ("now", 0, True)
    assert confirm(subscriber, free).state == "applied"
