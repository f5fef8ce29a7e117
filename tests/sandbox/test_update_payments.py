"""Updates that bill now and cannot be paid at once, by `payment_behavior`; pending updates."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import told
from .test_plan_changes import FEBRUARY, Subscriber

HOUR = 3600
DAY = 86400


def broke(sandbox: Sandbox, method: str = "pm_card_chargeCustomerFail") -> Subscriber:
    """A subscriber whose new default card refuses, half way through the period."""
    who = Subscriber(sandbox)
    who.to(FEBRUARY + 14 * DAY)
    attached = who.v1.payment_methods.attach(method, {"customer": who.customer.id})
    who.v1.subscriptions.update(who.id, {"default_payment_method": attached.id})
    return who


def ask(who: Subscriber, behavior: str, **more: Any) -> stripe.Subscription:
    return who.onto(who.price(2000), proration_behavior="always_invoice", payment_behavior=behavior, **more)


def amount(subscription: stripe.Subscription) -> Any:
    return subscription["items"].data[0].price.unit_amount


@pytest.mark.parametrize(("behavior", "attempts"), [("allow_incomplete", 1), ("default_incomplete", 0)])
def test_the_change_counts_and_its_invoice_is_open(shared: Sandbox, behavior: str, attempts: int) -> None:
    who = broke(shared)
    changed = ask(who, behavior)
    assert (amount(changed), changed.status) == (2000, "past_due")
    assert (who.latest().status, who.latest().attempt_count) == ("open", attempts)


def test_an_error_leaves_everything_as_it_was(shared: Sandbox) -> None:
    who = broke(shared)
    with pytest.raises(stripe.CardError):
        ask(who, "error_if_incomplete")
    kept = who.v1.subscriptions.retrieve(who.id)
    assert (amount(kept), kept.status, len(who.invoices()), who.pending()) == (1000, "active", 1, [])


def test_pending_until_it_is_paid(shared: Sandbox) -> None:
    who = broke(shared)
    waiting = ask(who, "pending_if_incomplete")
    assert (amount(waiting), waiting.status) == (1000, "active")
    assert waiting.pending_update is not None
    assert waiting.pending_update.expires_at == FEBRUARY + 14 * DAY + 23 * HOUR
    items: Any = waiting.pending_update.subscription_items
    assert items[0].price.unit_amount == 2000
    assert (who.latest().status, who.latest().total) == ("open", 500)
    good = who.v1.payment_methods.attach("pm_card_visa", {"customer": who.customer.id})
    who.v1.invoices.pay(str(waiting.latest_invoice), {"payment_method": good.id})
    applied = who.v1.subscriptions.retrieve(who.id)
    assert (amount(applied), applied.pending_update) == (2000, None)
    assert told(shared, who.id)[-1] == "customer.subscription.pending_update_applied"


def test_dropped_after_23_hours_and_credited_anew_later(shared: Sandbox) -> None:
    who = broke(shared)
    ask(who, "pending_if_incomplete")
    who.to(FEBRUARY + 14 * DAY + 23 * HOUR)
    kept = who.v1.subscriptions.retrieve(who.id)
    assert (amount(kept), kept.pending_update, who.latest().status) == (1000, None, "void")
    assert told(shared, who.id)[-1] == "customer.subscription.pending_update_expired"
    who.to(FEBRUARY + 21 * DAY)
    who.onto(who.price(2000))
    assert who.pending() == [-250, 500]


def test_paid_at_once_nothing_is_pending(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    changed = ask(who, "pending_if_incomplete")
    assert (amount(changed), changed.pending_update, who.latest().status) == (2000, None, "paid")
    assert "customer.subscription.pending_update_applied" not in told(shared, who.id)


def test_another_change_replaces_it(shared: Sandbox) -> None:
    who = broke(shared)
    ask(who, "pending_if_incomplete")
    changed = who.onto(who.price(3000))
    assert (amount(changed), changed.pending_update, who.latest().status) == (3000, None, "void")
    assert who.pending() == [-500, 1500]


def test_what_cannot_wait_is_refused_by_name(shared: Sandbox) -> None:
    who = broke(shared)
    with pytest.raises(stripe.InvalidRequestError):
        ask(who, "pending_if_incomplete", description="new")
