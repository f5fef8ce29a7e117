"""Changes of plan as time goes by: now, at the end of the period, to a year and back."""

import time
from datetime import timedelta

import pytest

from portal.billing import plan_change_errors as errors
from portal.gateway.client import gateway
from tests.support import changing
from tests.support.life import Life


def invoices(life: Life) -> list[tuple[int, str]]:
    """Total and status of each of the tenant's invoices at Stripe, oldest first."""
    listed = life.get("invoices", customer=life.customer.stripe_customer_id, limit=100)["data"]
    return [(entry["total"], entry["status"]) for entry in reversed(listed)]


def confirmed(life: Life, plan: str, interval: str = "month"):
    change = changing.quote(life.tenant_id, plan, interval)
    done = changing.confirm(life.tenant_id, change)
    life.hear()
    return done


def test_upgrade_in_the_middle_of_a_month(life: Life):
    life.buy()
    life.advance(days=15)
    change = changing.quote(life.tenant_id, "professional")
    assert (change.direction, change.timing, change.state) == ("upgrade", "now", "quoted")
    done = changing.confirm(life.tenant_id, change)
    assert done.state == "applied"
    life.hear()
    assert (life.subscription.plan_id, life.subscription.amount_minor) == ("professional", 9900)
    assert invoices(life)[-1] == (change.due_minor, "paid")
    assert 0 < change.due_minor < 7000
    assert changing.findings(life.tenant_id) == []


def test_downgrade_at_the_end(life: Life):
    life.buy("professional")
    end = life.subscription.current_period_end
    change = confirmed(life, "starter")
    assert (change.direction, change.timing, change.state, change.due_minor) == (
        "downgrade", "period_end", "scheduled", 0,
    )  # fmt: skip
    assert change.effective_at == end
    assert (life.subscription.plan_id, life.subscription.scheduled_at) == ("professional", end)
    life.advance(days=32)
    assert life.subscription.plan_id == "starter"
    assert changing.seen(life.tenant_id, change).state == "applied"
    assert invoices(life) == [(9900, "paid"), (change.next_minor, "paid")]
    assert life.subscription.stripe_schedule_id is None
    assert changing.findings(life.tenant_id) == []


def test_from_month_to_year_and_back(life: Life):
    life.buy()
    month_end = life.subscription.current_period_end
    change = confirmed(life, "starter", "year")
    assert (change.direction, change.state, change.next_minor) == ("interval", "scheduled", 29000)
    life.advance(days=32)
    now = life.subscription
    assert (now.interval, now.current_period_start) == ("year", month_end)
    assert (now.current_period_end - now.current_period_start).days in (365, 366)
    assert invoices(life) == [(2900, "paid"), (29000, "paid")]
    back = confirmed(life, "starter", "month")
    assert (back.state, back.effective_at) == ("scheduled", now.current_period_end)
    life.advance(days=366)
    assert (life.subscription.interval, life.subscription.amount_minor) == ("month", 2900)
    assert invoices(life)[-1] == (2900, "paid")
    assert changing.findings(life.tenant_id) == []


def test_a_year_at_once_gives_back_what_was_quoted(life: Life):
    changing.policy(life.web.extensions["settings"], "starter", interval_change_at="now")
    life.buy()
    life.advance(days=10, seconds=4711)
    change = changing.quote(life.tenant_id, "starter", "year")
    assert (change.timing, change.credit_minor > 0) == ("now", True)
    assert change.due_minor == 29000 - change.credit_minor
    life.advance(minutes=10)  # the credit of that second holds
    done = changing.confirm(life.tenant_id, change)
    life.hear()
    assert done.state == "applied"
    assert invoices(life)[-1] == (change.due_minor, "paid")
    assert life.subscription.interval == "year"
    assert changing.findings(life.tenant_id) == []


def at_stripe(life: Life, **params):
    """Somebody changes the subscription at Stripe's dashboard, and the portal hears of it."""
    subscription_id = life.subscription.stripe_subscription_id
    gateway().write(lambda s: s.v1.subscriptions.update(subscription_id, params))
    life.hear()


def test_the_clock_moves_into_the_next_period_between_the_quote_and_its_confirmation(life: Life):
    life.buy()
    life.advance(days=15)
    change = changing.quote(life.tenant_id, "professional")
    life.advance(days=20)
    with pytest.raises(errors.QuoteMoved) as refused:
        changing.confirm(life.tenant_id, change)
    assert invoices(life) == [(2900, "paid"), (2900, "paid")]
    newer = changing.seen(life.tenant_id, change)
    assert (newer.state, newer.replaced_by) == ("expired", refused.value.params["replacement"])
    assert confirmed(life, "professional").state == "applied"
    assert changing.findings(life.tenant_id) == []


def test_a_change_within_a_trial_costs_nothing_today(life: Life):
    life.buy()
    at_stripe(life, trial_end=int(life.now.timestamp()) + 10 * 86400, proration_behavior="none")
    assert life.subscription.status == "trialing"
    change = changing.quote(life.tenant_id, "professional")
    assert (change.timing, change.due_minor, change.next_minor) == ("trial", 0, 9900)
    assert changing.confirm(life.tenant_id, change).state == "applied"
    life.hear()
    assert (life.subscription.plan_id, life.subscription.status) == ("professional", "trialing")
    life.advance(days=11)
    assert invoices(life)[-1] == (change.next_minor, "paid")


def test_a_change_that_nobody_pays_for_is_dropped_after_a_day(life: Life):
    life.buy()
    customer = life.customer.stripe_customer_id
    card = gateway().write(lambda s: s.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer}))
    at_stripe(life, default_payment_method=card.id)
    change = confirmed(life, "professional")
    assert (change.state, life.subscription.plan_id) == ("awaiting_payment", "starter")
    life.advance(hours=24)
    assert changing.seen(life.tenant_id, change).state == "expired"
    assert (life.subscription.plan_id, life.subscription.status) == ("starter", "active")
    assert invoices(life)[-1] == (change.due_minor, "void")
    assert changing.findings(life.tenant_id) == []


def test_a_coupon_is_in_the_quote_and_in_the_invoice(life: Life):
    life.buy()
    coupon = gateway().write(lambda s: s.v1.coupons.create({"percent_off": 100, "duration": "forever"})).id
    at_stripe(life, discounts=[{"coupon": coupon}])
    life.advance(days=10)
    change = changing.quote(life.tenant_id, "enterprise")
    assert change.due_minor == 0, "the old plan was paid, the new one costs nothing: credit is left"
    assert changing.confirm(life.tenant_id, change).state == "applied"
    life.hear()
    assert invoices(life)[-1][0] == change.quote["today"]["total_minor"]
    assert changing.findings(life.tenant_id) == []


def test_a_renewal_between_the_quote_and_its_confirmation_makes_a_new_offer(life: Life):
    """Of a change that begins a new cycle: what is given back belongs to the period that was quoted."""
    changing.policy(life.web.extensions["settings"], "starter", interval_change_at="now")
    life.buy()
    life.advance_to(life.subscription.current_period_end - timedelta(minutes=5))
    change = changing.quote(life.tenant_id, "starter", "year")
    assert (change.timing, change.credit_minor) == ("now", 0)
    life.advance(hours=2)
    with pytest.raises(errors.QuoteMoved) as refused:
        changing.confirm(life.tenant_id, change)
    assert invoices(life) == [(2900, "paid"), (2900, "paid")]
    newer = changing.quote(life.tenant_id, "starter", "year")
    assert newer.id == refused.value.params["replacement"]
    assert 2800 < newer.credit_minor < 2900
    assert changing.confirm(life.tenant_id, newer).state == "applied"
    life.hear()
    assert invoices(life)[-1] == (newer.due_minor, "paid")
    assert changing.findings(life.tenant_id) == []


@pytest.mark.parametrize("plan", ["starter", "professional"])
def test_a_worker_that_comes_after_the_renewal_changes_nothing(life: Life, plan: str):
    """A new cycle at once, or a schedule: both were offered for the period that is over."""
    changing.policy(life.web.extensions["settings"], "starter", interval_change_at="now")
    life.buy(plan)
    life.advance_to(life.subscription.current_period_end - timedelta(minutes=5))
    change = changing.quote(life.tenant_id, "starter", "year" if plan == "starter" else "month")
    call = "subscriptions/*" if change.timing == "now" else "subscription_schedules"
    life.sandbox.post("fail", match=f"POST /v1/{call}", mode="500", times=1)
    assert changing.confirm(life.tenant_id, change).state == "confirmed"
    clock_id = life.customer.stripe_test_clock_id
    to = int((life.now + timedelta(hours=2)).timestamp())
    life._post(f"test_helpers/test_clocks/{clock_id}/advance", frozen_time=to)
    while life._clock()["status"] != "ready":
        time.sleep(0.05)
    life.drain()
    ended = changing.seen(life.tenant_id, change)
    assert (ended.state, ended.error_code) == ("failed", "period_is_over")
    life.hear()
    assert len(invoices(life)) == 2
    assert life.get(f"subscriptions/{life.subscription.stripe_subscription_id}")["schedule"] is None
