"""Two years of one customer: everything that happens to a subscription, and after each step the books are right."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from apiflask import APIFlask

from jobs import collection as collecting
from jobs import plans as publishing
from portal import tenancy
from portal.billing import cancellations, discounts, publish_coupons
from portal.billing.subscriptions import live_subscription
from tests.scenarios.test_collection import FAILS_LATER, GOOD, add, make_default, owed, pay, state
from tests.scenarios.test_trials import begin
from tests.support import changing, coupons
from tests.support.agreement import assert_agreed
from tests.support.ledger import Ledger
from tests.support.life import Life
from tests.support.shopping import ACTOR

Check = Callable[[], None]


@pytest.fixture(name="check")
def fixture_check(life: Life, settings, worker: APIFlask) -> Check:
    """All invariants; and the billing jobs, done again, change nothing."""
    ledger = Ledger(settings)

    def run() -> None:
        _all_jobs(worker, life)
        assert_agreed(life)
        before = ledger.rows()
        _all_jobs(worker, life)
        assert ledger.rows() == before

    yield run
    ledger.close()


def _all_jobs(worker: APIFlask, life: Life) -> None:
    with worker.app_context():
        collecting.settle_standings()
        collecting.tell_of_expiring_cards()
        publishing.publish_what_is_missing()
        publish_coupons.publish_missing_coupons()
    life.hear()


def test_two_years_of_a_customer(life: Life, check: Check, pdf):
    coupon = coupons.make(life.web, percent_off=Decimal(25), duration="repeating", duration_in_months=3)
    # Tried for a fortnight, with a card from the second day on.
    begin(life)
    assert life.subscription.status == "trialing"
    check()
    life.advance(days=1)
    make_default(life, add(life))
    check()
    life.advance(days=14)
    assert (life.subscription.status, charged(life)) == ("active", 2900)
    check()
    # Half a month later it is not enough.
    life.advance(days=15, hours=5)
    total = upgrade(life, "professional")
    assert charged(life) == 2900 + total
    check()
    # A coupon for three months.
    with tenancy.bound(life.tenant_id):
        shown = discounts.quote(coupon.code)
        discounts.apply(coupon.code, actor=ACTOR, shown_saving_minor=shown.saving_minor)
    life.hear()
    check()
    for invoice in shown.invoices:
        before = charged(life)
        life.advance_to(invoice.at + timedelta(hours=2))
        assert charged(life) - before == 9900 - invoice.saving_minor
        check()
    # The card fails at a renewal, and another one mends it within the grace.
    make_default(life, add(life, FAILS_LATER))
    life.advance_to(life.subscription.current_period_end + timedelta(hours=2))
    assert (life.subscription.status, state(life)) == ("past_due", "grace")
    check()
    life.advance(days=8)
    check()
    assert state(life) == "restricted"
    mending = add(life, GOOD)
    assert pay(life, owed(life), mending, makes_default=True).state == "paid"
    assert (life.subscription.status, state(life)) == ("active", "good")
    check()
    # A quiet half year, then less is enough.
    life.advance(days=183)
    check()
    change = changing.confirm(life.tenant_id, changing.quote(life.tenant_id, "starter"))
    life.hear()
    assert (change.state, change.due_minor) == ("scheduled", 0)
    check()
    before = charged(life)
    life.advance_to(change.effective_at + timedelta(hours=2))
    assert (life.subscription.plan_id, charged(life) - before) == ("starter", change.next_minor)
    check()
    # Gone, and back after half a year; everything is still there.
    with tenancy.bound(life.tenant_id):
        cancellations.cancel("period_end", actor=ACTOR, reason="unused")
    life.hear()
    check()
    life.advance_to(life.subscription.current_period_end + timedelta(hours=2))
    assert life.subscription.status == "canceled"
    check()
    paid = charged(life)
    life.advance(days=180)
    assert charged(life) == paid
    check()
    life.buy()
    with tenancy.bound(life.tenant_id):
        assert live_subscription() is not None
    assert charged(life) == paid + 2900
    check()
    life.advance(days=31)
    assert charged(life) == paid + 2 * 2900
    check()


def upgrade(life: Life, plan: str) -> int:
    """Change the plan at once; returns what was quoted, in minor units."""
    change = changing.quote(life.tenant_id, plan)
    assert changing.confirm(life.tenant_id, change).state == "applied"
    life.hear()
    return int(change.due_minor)


def charged(life: Life) -> int:
    """What was ever taken from the customer, by Stripe's charges, in minor units."""
    listed = life.get("charges", customer=life.customer.stripe_customer_id, limit=100)["data"]
    return sum(charge["amount_captured"] - charge["amount_refunded"] for charge in listed if charge["paid"])
