"""A change that waits for the end of the period, and what else happens to the subscription meanwhile."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from portal import tenancy
from portal.billing import cancellations, catalogue, discounts, payment_methods
from portal.extensions import db
from portal.gateway.client import gateway
from portal.mirror import plan_changes as outcome
from portal.models import Plan, PlanChange
from tests.pages.rows import written
from tests.scenarios.test_plan_changes import at_stripe, confirmed, invoices
from tests.scenarios.test_trials import add_card, told
from tests.support import changing, coupons, database
from tests.support.life import Life
from tests.support.shopping import ACTOR, start

HALF, ONE_MONTH = {"percent_off": Decimal(50), "duration": "forever"}, {
    "percent_off": Decimal(50), "duration": "repeating", "duration_in_months": 1,
}  # fmt: skip


def subscription(life: Life):
    """As Stripe has it."""
    return life.get(f"subscriptions/{life.subscription.stripe_subscription_id}")


def schedule(life: Life):
    return life.get(f"subscription_schedules/{subscription(life)['schedule']}")


def bought_with(life: Life, plan: str, coupon: str) -> None:
    checkout = start(life.tenant_id, plan, "month", coupon)
    life.sandbox.pay(str(checkout.stripe_session_id))
    life.land(checkout)


def used(life: Life, coupon: str):
    with tenancy.bound(life.tenant_id):
        redemption = discounts.apply(coupon, actor=ACTOR)
    life.hear()
    return redemption


def test_a_coupon_waits_for_the_change_or_the_change_is_taken_back(life: Life):
    """Used now it would save on the plan that is being left, and be lost with it."""
    coupons.make(life.web, "HALF", **HALF)
    life.buy("professional")
    with tenancy.bound(life.tenant_id):
        shown = discounts.quote("HALF")
    change = confirmed(life, "starter")
    with tenancy.bound(life.tenant_id):
        with pytest.raises(discounts.PlanIsChanging):
            discounts.quote("HALF")
        with pytest.raises(discounts.PlanIsChanging):
            discounts.apply("HALF", actor=ACTOR, shown_saving_minor=shown.saving_minor)
    assert subscription(life)["discounts"] == []
    changing.cancel(life.tenant_id, change)
    life.hear()
    used(life, "HALF")
    life.advance(days=32)
    assert invoices(life) == [(9900, "paid"), (4950, "paid")]


@pytest.mark.parametrize(("plan", "interval"), [("starter", "month"), ("professional", "year")])
def test_a_new_default_card_is_charged_by_the_change_too(life: Life, plan: str, interval: str):
    life.buy("professional")
    assert confirmed(life, plan, interval).state == "scheduled"
    add_card(life)
    with tenancy.bound(life.tenant_id):
        new = next(entry.method for entry in payment_methods.listed() if not entry.is_default)
        payment_methods.make_default(new.id, actor=ACTOR)
    life.hear()
    assert schedule(life)["default_settings"]["default_payment_method"] == new.stripe_payment_method_id
    life.advance(days=32)
    assert (life.subscription.plan_id, life.subscription.interval) == (plan, interval)
    assert subscription(life)["default_payment_method"] == new.stripe_payment_method_id
    assert changing.findings(life.tenant_id) == []


def test_a_discount_that_is_removed_does_not_come_back_with_the_change(life: Life):
    coupons.make(life.web, "HALF", **HALF)
    life.buy("professional")
    redemption = used(life, "HALF")
    change = confirmed(life, "starter")
    assert change.next_minor == 1450
    with tenancy.bound(life.tenant_id):
        discounts.remove(redemption.id, actor=ACTOR)
    life.hear()
    assert schedule(life)["phases"][-1]["discounts"] == []
    assert changing.seen(life.tenant_id, change).next_minor == 2900, "what is promised follows"
    life.advance(days=32)
    assert (life.subscription.plan_id, life.subscription.discounts) == ("starter", [])
    assert invoices(life) == [(9900, "paid"), (2900, "paid")]
    assert changing.findings(life.tenant_id) == []


def test_a_discount_that_somebody_gives_or_takes_at_stripe_is_kept_or_gone(life: Life):
    life.buy("professional")
    assert confirmed(life, "starter").state == "scheduled"
    coupon = gateway().write(lambda s: s.v1.coupons.create({"percent_off": 10, "duration": "forever"})).id
    at_stripe(life, discounts=[{"coupon": coupon}])
    life.advance(days=32)
    assert invoices(life) == [(9900, "paid"), (2610, "paid")]
    assert confirmed(life, "free").state == "scheduled"
    at_stripe(life, discounts="")
    assert schedule(life)["phases"][-1]["discounts"] == []
    life.advance(days=32)
    assert (life.subscription.plan_id, invoices(life)[2:]) == ("free", [(0, "paid")])


@pytest.mark.parametrize(("plan", "interval", "price"), [("starter", "month", 2900), ("professional", "year", 99000)])
def test_a_discount_that_runs_out_before_the_change_is_neither_promised_nor_kept(
    life: Life, plan: str, interval: str, price: int
):
    coupons.make(life.web, "ONEM", **ONE_MONTH)
    bought_with(life, "professional", "ONEM")
    life.advance(days=10)
    change = confirmed(life, plan, interval)
    assert (change.state, change.next_minor, change.quote["next"]["discounts"]) == ("scheduled", price, [])
    assert schedule(life)["phases"][-1]["discounts"] == []
    line = change.quote["next"]["lines"][0]
    assert line["start"] == change.effective_at.timestamp()
    life.advance(days=30)
    assert (life.subscription.plan_id, life.subscription.discounts) == (plan, [])
    assert invoices(life) == [(4950, "paid"), (price, "paid")]
    assert changing.findings(life.tenant_id) == []


def test_a_first_invoice_that_is_not_what_was_promised_is_found(life: Life):
    life.buy("professional")
    change = confirmed(life, "starter")
    params = {"customer": life.customer.stripe_customer_id, "amount": 500, "currency": life.subscription.currency}
    gateway().write(lambda s: s.v1.invoice_items.create(params))
    life.advance(days=32)
    assert invoices(life) == [(9900, "paid"), (3400, "paid")]
    assert changing.findings(life.tenant_id) == [("charged_otherwise", str(change.id))]
    assert changing.seen(life.tenant_id, change).stripe_invoice_id is not None
    life.advance(days=32)
    assert len(changing.findings(life.tenant_id)) == 1


@pytest.mark.parametrize("ending", ["period_end", "now"])
def test_leaving_takes_the_scheduled_change_back(life: Life, settings, ending: str):
    with written(settings) as session:
        session.execute(update(Plan).values(cancel_at="choice"))
    life.buy("professional")
    change = confirmed(life, "starter")
    with tenancy.bound(life.tenant_id):
        token = cancellations.quote().token
        row = cancellations.cancel(ending, actor=ACTOR, token=token)
    life.hear()
    assert row.state == ("ended" if ending == "now" else "scheduled")
    assert changing.seen(life.tenant_id, change).state == "canceled"
    assert (subscription(life)["schedule"], life.subscription.scheduled_at) == (None, None)
    assert "plan_change_ended" not in told(life), "it would say that the subscription goes on"
    life.advance(days=32)
    assert (life.subscription.status, life.subscription.plan_id) == ("canceled", "professional")
    assert (invoices(life), changing.findings(life.tenant_id)) == ([(9900, "paid")], [])


def test_a_change_that_comes_with_the_end_was_not_made(life: Life):
    """As where the end was asked for at Stripe before the schedule was made there."""
    life.buy("professional")
    change = confirmed(life, "starter")
    resource = {**subscription(life), "status": "canceled", "ended_at": int(change.effective_at.timestamp())}
    with tenancy.bound(life.tenant_id):
        price = catalogue.offer("starter", "month")[1].stripe_price_id
        resource["items"]["data"][0]["price"]["id"] = price
        found = db.session.get_one(PlanChange, (life.tenant_id, change.id))
        assert not outcome.has_arrived(found, resource)
        assert outcome.has_arrived(found, {**resource, "ended_at": resource["ended_at"] + 1})


def test_a_change_that_is_performed_after_the_cancellation_is_not_made(life: Life):
    life.buy("starter")
    change = changing.quote(life.tenant_id, "professional")
    life.sandbox.post("fail", match="POST /v1/subscriptions/*", mode="500", times=1)
    assert changing.confirm(life.tenant_id, change).state == "confirmed"
    with tenancy.bound(life.tenant_id):
        cancellations.cancel("period_end", actor=ACTOR)
    life.drain()
    ended = changing.seen(life.tenant_id, change)
    assert (ended.state, ended.error_code) == ("failed", "subscription_ending")
    assert invoices(life) == [(2900, "paid")]


def held_up(life: Life, call: str, mode: str) -> PlanChange:
    """A downgrade at whose confirmation Stripe fails once."""
    change = changing.quote(life.tenant_id, "starter")
    life.sandbox.post("fail", match=call, mode=mode, times=1)
    return changing.confirm(life.tenant_id, change)


def a_day_later(life: Life, settings) -> None:
    """Stripe has forgotten our keys, and the worker comes again."""
    with written(settings) as session:
        session.execute(update(PlanChange).values(confirmed_at=PlanChange.confirmed_at - timedelta(days=1)))
    life.sandbox.forget("keys")
    database.let_time_pass(settings)
    life.drain()
    life.hear()


@pytest.mark.parametrize("call", ["POST /v1/subscription_schedules", "POST /v1/subscription_schedules/*"])
@pytest.mark.parametrize("mode", ["500", "drop_after_effect"])
def test_half_a_schedule_is_finished_when_its_key_is_forgotten(life: Life, settings, call: str, mode: str):
    life.buy("professional")
    change = held_up(life, call, mode)
    assert change.state == "confirmed"
    a_day_later(life, settings)
    assert changing.seen(life.tenant_id, change).state == "scheduled"
    assert [len(found["phases"]) for found in life.sandbox.listed("subscription_schedules",
            customer=life.customer.stripe_customer_id)] == [2]  # fmt: skip
    life.advance(days=32)
    assert changing.seen(life.tenant_id, change).state == "applied"
    assert invoices(life) == [(9900, "paid"), (2900, "paid")]
    assert changing.findings(life.tenant_id) == []


def test_a_schedule_of_somebody_else_is_left_alone(life: Life, settings):
    life.buy("professional")
    change = held_up(life, "POST /v1/subscription_schedules", "500")
    subscription_id = life.subscription.stripe_subscription_id
    made = gateway().write(lambda s: s.v1.subscription_schedules.create({"from_subscription": subscription_id}))
    gateway().write(lambda s: s.v1.subscription_schedules.update(made.id, {"metadata": {"plan_change_id": "other"}}))
    a_day_later(life, settings)
    ended = changing.seen(life.tenant_id, change)
    assert (ended.state, ended.error_code) == ("failed", "plan_change_given_up")
    assert subscription(life)["schedule"] == made.id


def test_phases_that_stripe_refuses_leave_no_schedule(life: Life):
    life.buy("professional")
    change = held_up(life, "POST /v1/subscription_schedules/*", "400")
    assert change.state == "failed"
    life.hear()
    assert (subscription(life)["schedule"], life.subscription.scheduled_at) == (None, None)
    assert confirmed(life, "starter").state == "scheduled"


def test_a_change_that_could_not_be_taken_back_can_be_taken_back_again(life: Life):
    life.buy("professional")
    change = confirmed(life, "starter")
    life.sandbox.post("fail", match="POST /v1/subscription_schedules/*/release", mode="400", times=1)
    first = changing.cancel(life.tenant_id, change)
    assert (first.state, first.cancel_requested_at) == ("scheduled", None)
    assert subscription(life)["schedule"] == change.stripe_schedule_id
    assert changing.cancel(life.tenant_id, change).state == "canceled"
    assert subscription(life)["schedule"] is None
    life.hear()
    life.advance(days=32)
    assert invoices(life) == [(9900, "paid"), (9900, "paid")]
    assert changing.findings(life.tenant_id) == []
