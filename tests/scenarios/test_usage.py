"""Usage as months go by: each event is billed once, by the terms of its period, on the right invoice."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from sqlalchemy import select, text

from portal import clock, failpoints, tenancy
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.models import UsageCharge, UsagePeriod
from portal.usage import closing, figures, ingest, periods, verify
from tests.pages.rows import written
from tests.scenarios.test_cancellations import cancel, fixture_at_once, quote  # noqa: F401  (one is a fixture)
from tests.scenarios.test_trials import begin
from tests.support import changing
from tests.support.life import AUTH, TIMEOUT, Life

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(name="sold")
def fixture_sold(settings):
    """Starter has 10,000 calls, and sells more at 0.20 USD per thousand begun; professional 50,000, at half of that."""
    tiers = {"starter": "20", "professional": "10"}
    with written(settings) as session:
        for plan_id, cents in tiers.items():
            session.execute(
                text("""INSERT INTO plan_resources (plan_id, resource_type, included, limit_kind, tiers, package_size)
                    VALUES (:plan, 'api_calls', :included, 'soft', CAST(:tiers AS jsonb), 1000)"""),
                {
                    "plan": plan_id,
                    "included": 10_000 if plan_id == "starter" else 50_000,
                    "tiers": json.dumps({"usd": [{"up_to": None, "unit_amount_decimal": cents}]}),
                },
            )


def report(life: Life, quantity: int, at: datetime | None = None, event_id: str | None = None) -> str:
    event: dict[str, Any] = {"resource_type": "api_calls", "quantity": quantity}
    event |= {"timestamp": at.isoformat()} if at else {}
    event |= {"event_id": event_id} if event_id else {}
    with tenancy.bound(life.tenant_id):
        return ingest.record_one(json.dumps(event))


@pytest.fixture(name="close")
def fixture_close(life: Life, worker) -> Callable[[], None]:
    """What is due is closed on the worker's role, and everything that follows from it is done."""

    def run() -> None:
        with worker.app_context():
            closing.close_due()
        life.drain()
        life.hear()

    return run


def charges(life: Life) -> list[tuple[str, int, Decimal, int]]:
    """Plan, number, quantity and amount of each, oldest first."""
    with tenancy.bound(life.tenant_id):
        assert verify.differences() == []
        rows = db.session.scalars(select(UsageCharge).order_by(UsageCharge.id)).all()
        assert all(row.billed_at is not None for row in rows if row.amount_minor)
        return [(row.plan_id, row.number, row.quantity, row.amount_minor) for row in rows]


def billed(life: Life) -> list[tuple[str, int, list[int]]]:
    """Status, total and the amounts of usage of each of the tenant's invoices at Stripe, oldest first."""
    listed = life.get("invoices", customer=life.customer.stripe_customer_id, limit=100)["data"]
    return [
        (
            entry["status"],
            entry["total"],
            [line["amount"] for line in entry["lines"]["data"] if "usage_charge" in line["metadata"]],
        )
        for entry in reversed(listed)
    ]


def spans(life: Life) -> list[UsagePeriod]:
    with tenancy.bound(life.tenant_id):
        return list(db.session.scalars(select(UsagePeriod).order_by(UsagePeriod.starts_at)))


def test_overage_is_on_the_renewals_invoice(life, sold, close):
    life.buy()
    end = life.subscription.current_period_end
    report(life, 12_345)
    life.advance_to(end + 10 * MINUTE)
    assert report(life, 1, at=end - SECOND) == "accepted"  # reported late, and still in time
    assert report(life, 700) == "accepted"  # of the month that has begun
    close()
    assert charges(life) == []
    life.advance_to(end + 46 * MINUTE)
    close()
    assert charges(life) == [("starter", 1, 12_346, 60)]
    life.advance(hours=1)
    assert billed(life) == [("paid", 2900, []), ("paid", 2960, [60])]
    first, second = spans(life)
    assert (first.ends_at, second.starts_at) == (end, end)
    assert first.closed_at is not None
    assert second.closed_at is None
    assert changing.findings(life.tenant_id) == []


def test_what_comes_after_the_close_is_billed_with_the_next_month(life, sold, close):
    """By the terms of its own month, whose included quantity was used up; that of the next one is not touched."""
    life.buy()
    end = life.subscription.current_period_end
    report(life, 10_000)
    life.advance_to(end + 50 * MINUTE)
    close()
    assert report(life, 10_001, at=end - SECOND, event_id="late") == "late"
    assert report(life, 10_001, at=end - SECOND, event_id="late") == "duplicate"
    end = life.subscription.current_period_end
    life.advance_to(end + 50 * MINUTE)
    close()
    assert charges(life) == [("starter", 1, 10_000, 0), ("starter", 2, 20_001, 220)]
    life.advance(hours=1)
    assert [lines for _, _, lines in billed(life)] == [[], [], [220]]


def test_a_draft_that_was_finalised_meanwhile(life, sold, close):
    """The workers were away for a day: the usage gets an invoice of its own, and is paid."""
    life.buy()
    report(life, 11_000)
    life.advance(days=32)
    close()
    life.advance(hours=2)
    assert billed(life) == [("paid", 2900, []), ("paid", 2900, []), ("paid", 20, [20])]
    assert changing.findings(life.tenant_id) == []


@pytest.fixture(name="timeout")
def fixture_timeout():
    """A call does what it should, and its answer is lost, once."""
    yield lambda function: failpoints.arm(f"stripe.portal.usage.invoice_items.{function}:after=raise")
    failpoints.arm("")


def later(owner_sql):
    """The pause after a failure is over."""
    owner_sql("UPDATE outbox SET next_at = now() WHERE done_at IS NULL")


def test_an_item_whose_answer_was_lost_is_asked_for_in_the_same_words(life, sold, close, timeout, owner_sql):
    """Meanwhile the tenant speaks another language, and the resource has another name."""
    life.buy()
    report(life, 12_000)
    life.advance_to(life.subscription.current_period_end + 46 * MINUTE)
    timeout("_item")
    close()
    failpoints.arm("")
    owner_sql("UPDATE tenants SET language = 'es'")
    owner_sql("""UPDATE resources SET names = '{"en": "Requests", "es": "Peticiones"}'""")
    later(owner_sql)
    close()
    assert charges(life) == [("starter", 1, 12_000, 40)]
    life.advance(hours=1)
    assert billed(life)[-1] == ("paid", 2940, [40])
    assert changing.findings(life.tenant_id) == []


def test_an_invoice_whose_answer_was_lost_is_asked_for_with_the_same_terms(life, sold, close, timeout, owner_sql):
    """Meanwhile the subscription has another payment method."""
    life.buy()
    report(life, 11_000)
    life.advance(days=32)
    timeout("_own_invoice")
    close()
    failpoints.arm("")
    owner_sql("UPDATE subscriptions SET default_payment_method = NULL")
    later(owner_sql)
    close()
    life.advance(hours=2)
    assert billed(life) == [("paid", 2900, []), ("paid", 2900, []), ("paid", 20, [20])]
    assert changing.findings(life.tenant_id) == []


@pytest.mark.parametrize("lost", ["_item", "_finalize"])
def test_a_draft_that_staff_deleted(life, sold, close, timeout, owner_sql, lost):
    """What was on it goes on another invoice, once."""
    life.buy()
    report(life, 11_000)
    life.advance(days=32)
    failpoints.arm(f"stripe.portal.usage.invoice_items.{lost}:{'after' if lost == '_item' else 'before'}=raise")
    close()
    failpoints.arm("")
    (draft,) = life.get("invoices", customer=life.customer.stripe_customer_id, status="draft")["data"]
    answer = requests.delete(f"{life.sandbox.url}/v1/invoices/{draft['id']}", auth=AUTH, timeout=TIMEOUT)
    assert answer.ok, answer.text
    later(owner_sql)
    close()
    assert charges(life) == [("starter", 1, 11_000, 20)]
    life.advance(hours=2)
    assert billed(life) == [("paid", 2900, []), ("paid", 2900, []), ("paid", 20, [20])]
    assert life.get("invoiceitems", customer=life.customer.stripe_customer_id, pending="true")["data"] == []
    assert changing.findings(life.tenant_id) == []


def test_ended_at_once(life, sold, at_once, close):
    """Charged at once; what is reported within the grace is charged after it, on an invoice of its own."""
    life.buy()
    life.advance(days=10)
    report(life, 15_000)
    life.advance(seconds=1)
    cancel(life, "now", token=quote(life).token)
    life.hear()
    ended_at = life.subscription.ended_at
    assert charges(life) == [("starter", 1, 15_000, 100)]
    life.advance(minutes=30)
    assert report(life, 1_001, at=ended_at - SECOND) == "accepted"
    assert report(life, 5, at=ended_at) == "accepted"  # of nobody's plan any more
    life.advance(minutes=16)
    close()
    assert charges(life) == [("starter", 1, 15_000, 100), ("starter", 2, 16_001, 40)]
    life.advance(hours=1)
    assert [(status, lines) for status, _, lines in billed(life)][1:] == [("paid", [100]), ("paid", [40])]
    first, rest = spans(life)
    assert (first.ends_at, rest.starts_at, rest.plan_id) == (ended_at, ended_at, None)
    assert changing.findings(life.tenant_id) == []


def test_ended_at_the_end(life, sold, close):
    life.buy()
    end = life.subscription.current_period_end
    cancel(life)
    life.hear()
    report(life, 11_001)
    life.advance_to(end + 30 * MINUTE)
    assert report(life, 1_000, at=end - SECOND) == "accepted"
    life.advance_to(end + 46 * MINUTE)
    close()
    assert charges(life) == [("starter", 1, 12_001, 60)]
    life.advance(hours=1)
    assert billed(life)[-1] == ("paid", 60, [60])


@pytest.mark.parametrize(("policy", "amounts"), [("free", [0]), ("billed", [40])])
def test_a_trial(life, sold, settings, owner_sql, policy, amounts, close):
    owner_sql("UPDATE plans SET usage_in_trial = :policy", policy=policy)
    begin(life)
    trial_end = life.subscription.trial_end
    report(life, 12_000)
    life.advance_to(trial_end + 46 * MINUTE)
    close()
    assert [amount for *_, amount in charges(life)] == amounts
    assert spans(life)[0].is_trial


def test_an_upgrade_carries_the_month_on(life, sold, close):
    """The new plan's terms are those of the whole month, and what was used goes on."""
    life.buy()
    report(life, 30_000)
    life.advance(days=15)
    change = changing.quote(life.tenant_id, "professional")
    changing.confirm(life.tenant_id, change)
    life.hear()
    report(life, 30_000)
    life.advance_to(life.subscription.current_period_end + 50 * MINUTE)
    close()
    assert charges(life) == [("professional", 1, 60_000, 100)]


def test_an_upgrade_splits_the_month_where_the_plan_says_so(life, sold, owner_sql, close):
    owner_sql("UPDATE plans SET usage_on_change = 'split'")
    life.buy()
    whole = life.subscription.current_period_end - life.subscription.current_period_start
    report(life, 30_000)
    life.advance_to(life.subscription.current_period_start + whole / 4)
    changing.confirm(life.tenant_id, changing.quote(life.tenant_id, "professional"))
    life.hear()
    report(life, 38_500)
    first, second = spans(life)
    assert (first.ends_at, first.share + second.share) == (second.starts_at, 1)
    life.advance(hours=1)
    close()
    with tenancy.bound(life.tenant_id):
        included = db.session.scalars(select(UsageCharge.included)).one()
    assert abs(included - 2_500) <= 1
    life.advance_to(life.subscription.current_period_end + 50 * MINUTE)
    close()
    assert charges(life) == [("starter", 1, 30_000, 560), ("professional", 1, 38_500, 10)]
    assert changing.findings(life.tenant_id) == []


def test_a_plan_that_changes_with_the_renewal_leaves_the_month_before_it(life, sold, close):
    life.buy("professional")
    changing.confirm(life.tenant_id, changing.quote(life.tenant_id, "starter"))
    life.hear()
    report(life, 51_000)
    end = life.subscription.current_period_end
    life.advance_to(end + 50 * MINUTE)
    assert life.subscription.plan_id == "starter"
    close()
    assert charges(life) == [("professional", 1, 51_000, 10)]
    assert spans(life)[-1].plan_id == "starter"


def test_a_year_is_billed_by_the_month(life, sold, close):
    checkout = life.start("starter", "year")
    life.sandbox.pay(checkout.stripe_session_id)
    life.land(checkout)
    report(life, 11_000)
    first = spans(life)[0]
    assert 28 <= (first.ends_at - first.starts_at).days <= 31
    life.advance_to(first.ends_at + 50 * MINUTE)
    close()
    life.advance(hours=2)
    assert billed(life)[-1] == ("paid", 20, [20])
    assert [span.starts_at for span in spans(life)] == [first.starts_at, first.ends_at]


def test_a_renewal_that_nobody_heard_of_yet(life):
    """The month that follows is foretold: usage counts with it before the renewal's event arrives."""
    life.buy()
    end = life.subscription.current_period_end
    with tenancy.bound(life.tenant_id):
        subscription = live_subscription()
        assert periods.span_of(subscription, end).start == end
        later = end + timedelta(days=100)
        found = periods.span_of(subscription, later)
        assert found.start <= later < found.end


def test_usage_before_the_plan_is_not_of_it(life):
    """What was used before the purchase stays with the month before it, also where it was heard of late."""
    report(life, 40_000, at=clock.now() - MINUTE)
    life.buy()
    started = life.subscription.current_period_start
    report(life, 3, at=started)
    before, after = spans(life)
    assert (before.ends_at, before.plan_id, after.starts_at, after.plan_id) == (started, None, started, "starter")
    with tenancy.bound(life.tenant_id):
        assert figures.used(after.id) == {"api_calls": 3}
        assert figures.used(before.id) == {"api_calls": 40_000}
        assert verify.differences() == []
