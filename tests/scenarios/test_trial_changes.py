"""Another plan within a trial: the terms are those of the plan that one comes to."""

from datetime import timedelta

import pytest

from portal.billing import trials
from portal.gateway.client import gateway
from tests.scenarios.test_plan_changes import at_stripe, invoices
from tests.scenarios.test_trials import add_card, begin
from tests.support import changing
from tests.support.life import Life


@pytest.fixture(name="trying")
def fixture_trying(life: Life, settings) -> Life:
    """A month's trial of Starter, without a card, in its sixth day."""
    changing.policy(settings, "starter", trial_days=30, trial_method="optional", trial_end="pause")
    begin(life)
    life.advance(days=5)
    return life


def at_stripe_now(life: Life):
    return life.get(f"subscriptions/{life.subscription.stripe_subscription_id}")


def test_a_plan_without_a_trial_is_charged_at_once(trying: Life, settings):
    changing.policy(settings, "enterprise", trial_days=0)
    with pytest.raises(trials.MethodMissing):
        changing.quote(trying.tenant_id, "enterprise")
    add_card(trying)
    change = changing.quote(trying.tenant_id, "enterprise")
    assert (change.timing, change.due_minor) == ("now", change.quote["next"]["total_minor"])
    assert changing.confirm(trying.tenant_id, change).state == "applied"
    trying.hear()
    now = trying.subscription
    assert (now.plan_id, now.status, now.current_period_end) == ("enterprise", "active", change.next_at)
    assert invoices(trying)[-1] == (change.due_minor, "paid")
    assert changing.findings(trying.tenant_id) == []


def test_a_card_that_is_declined_leaves_the_trial_as_it_was(trying: Life, settings):
    changing.policy(settings, "enterprise", trial_days=0)
    customer = trying.customer.stripe_customer_id
    card = gateway().write(lambda s: s.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer}))
    at_stripe(trying, default_payment_method=card.id)
    done = changing.confirm(trying.tenant_id, changing.quote(trying.tenant_id, "enterprise", "year"))
    assert (done.state, done.error_code) == ("failed", "card_declined")
    trying.hear()
    assert (trying.subscription.plan_id, trying.subscription.status) == ("starter", "trialing")
    assert at_stripe_now(trying)["trial_settings"]["end_behavior"]["missing_payment_method"] == "pause"


@pytest.mark.parametrize(("days", "kept"), [(14, 14), (90, 30)])
def test_the_trial_ends_as_the_new_plan_has_it_and_no_later(trying: Life, settings, days: int, kept: int):
    changing.policy(settings, "professional", trial_days=days, trial_end="cancel")
    begun = trying.subscription.trial_end - timedelta(days=30)
    change = changing.quote(trying.tenant_id, "professional")
    assert (change.timing, change.due_minor, change.next_minor) == ("trial", 0, 9900)
    assert change.next_at == begun + timedelta(days=kept)
    assert changing.confirm(trying.tenant_id, change).state == "applied"
    trying.hear()
    now = trying.subscription
    assert (now.plan_id, now.status, now.trial_end) == ("professional", "trialing", change.next_at)
    assert now.trial_end_behavior == "cancel"
    trying.advance(days=kept)
    assert (trying.subscription.status, sum(total for total, _ in invoices(trying))) == ("canceled", 0)


def test_a_trial_that_the_new_plan_would_have_ended_already_ends_now(trying: Life, settings):
    changing.policy(settings, "professional", trial_days=3)
    add_card(trying)
    change = changing.quote(trying.tenant_id, "professional")
    assert (change.timing, change.due_minor) == ("now", 9900)


def test_a_plan_that_wants_a_card_first_wants_it_here_too(trying: Life, settings):
    changing.policy(settings, "professional", trial_method="required")
    with pytest.raises(trials.MethodMissing):
        changing.quote(trying.tenant_id, "professional")
    add_card(trying)
    assert changing.quote(trying.tenant_id, "professional").timing == "trial"
