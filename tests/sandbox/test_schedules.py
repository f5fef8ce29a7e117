"""Subscription schedules through the real SDK: phases that come by themselves."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import told
from .test_plan_changes import DAY, FEBRUARY, Subscriber

MARCH, APRIL = FEBRUARY + 28 * DAY, FEBRUARY + 59 * DAY


def schedule(who: Subscriber, *phases: Any, **more: Any) -> stripe.SubscriptionSchedule:
    params: Any = {"customer": who.customer.id, "phases": list(phases), **more}
    return who.v1.subscription_schedules.create(params)


def phase(price: str, months: int = 1, **more: Any) -> Any:
    return {"items": [{"price": price}], "duration": {"interval": "month", "interval_count": months}, **more}


def totals(who: Subscriber, subscription: Any) -> list[int]:
    return [invoice.total for invoice in who.v1.invoices.list({"subscription": str(subscription)}).data[::-1]]


def test_phases_follow_each_other_and_each_renewal_bills_its_own(shared: Sandbox) -> None:
    who = Subscriber(shared)
    made = schedule(who, phase(who.price(1000)), phase(who.price(3000)))
    assert (made.status, made.end_behavior) == ("active", "release")
    who.to(MARCH + 3700)
    now = who.v1.subscription_schedules.retrieve(made.id)
    assert now.current_phase is not None
    assert (now.current_phase.start_date, now.current_phase.end_date) == (MARCH, APRIL)
    who.to(APRIL + 3700)
    assert totals(who, made.subscription) == [1000, 3000, 3000]
    over = who.v1.subscription_schedules.retrieve(made.id)
    assert (over.status, over.subscription, over.released_subscription) == ("released", None, made.subscription)
    assert told(shared, made.id)[0] == "subscription_schedule.created"
    assert told(shared, made.id)[-1] == "subscription_schedule.released"


def test_it_waits_for_its_day_and_cancels_in_the_end(shared: Sandbox) -> None:
    who = Subscriber(shared)
    made = schedule(who, phase(who.price(1000)), start_date=MARCH, end_behavior="cancel")
    assert (made.status, made.subscription) == ("not_started", None)
    who.to(MARCH)
    begun = who.v1.subscription_schedules.retrieve(made.id)
    assert begun.status == "active"
    who.to(APRIL)
    over = who.v1.subscription_schedules.retrieve(made.id)
    assert (over.status, over.completed_at) == ("completed", APRIL)
    subscription = who.v1.subscriptions.retrieve(str(begun.subscription))
    assert (subscription.status, totals(who, subscription.id)) == ("canceled", [1000])


def test_from_a_subscription_and_with_another_phase_in_the_middle_of_a_period(shared: Sandbox) -> None:
    who = Subscriber(shared)
    made = who.v1.subscription_schedules.create({"from_subscription": who.id})
    assert who.v1.subscriptions.retrieve(who.id).schedule == made.id
    first: Any = {"items": [{"price": made.phases[0]["items"][0].price}], "start_date": FEBRUARY,
                  "end_date": FEBRUARY + 14 * DAY}  # fmt: skip
    params: Any = {"phases": [first, phase(who.price(2000))]}
    who.v1.subscription_schedules.update(made.id, params)
    who.to(FEBRUARY + 14 * DAY)
    assert who.pending() == [-500, 1000]
    who.v1.subscription_schedules.release(made.id)
    left = who.v1.subscriptions.retrieve(who.id)
    assert (left.schedule, left["items"].data[0].price.unit_amount) == (None, 2000)


def test_a_discount_that_is_gone_does_not_stop_the_phase_that_names_it(shared: Sandbox) -> None:
    who = Subscriber(shared)
    coupon = who.v1.coupons.create({"percent_off": 50, "duration": "forever"}).id
    given = who.v1.subscriptions.update(who.id, {"discounts": [{"coupon": coupon}]}).discounts[0]
    made = who.v1.subscription_schedules.create({"from_subscription": who.id})
    price = made.phases[0]["items"][0].price
    discounts = [{"discount": given}]
    present: Any = {"items": [{"price": price}], "start_date": FEBRUARY, "end_date": MARCH, "discounts": discounts}
    params: Any = {"phases": [present, phase(who.price(2000), discounts=discounts)]}
    who.v1.subscription_schedules.update(made.id, params)
    who.v1.subscriptions.update(who.id, {"discounts": ""})
    who.to(MARCH + 3700)
    assert totals(who, who.id)[-1] == 2000


@pytest.mark.parametrize(
    "params", [{"cancel_at_period_end": True}, {"cancel_at": MARCH}, {"cancel_at_period_end": False}]
)
def test_how_it_ends_is_the_affair_of_its_schedule(shared: Sandbox, params: Any) -> None:
    who = Subscriber(shared)
    made = who.v1.subscription_schedules.create({"from_subscription": who.id})
    with pytest.raises(stripe.InvalidRequestError, match=f"managed by the subscription schedule `{made.id}`"):
        who.v1.subscriptions.update(who.id, params)
    who.v1.subscription_schedules.release(made.id)
    who.v1.subscriptions.update(who.id, params)


def test_cancelling_it_cancels_the_subscription(shared: Sandbox) -> None:
    who = Subscriber(shared)
    made = who.v1.subscription_schedules.create({"from_subscription": who.id})
    assert who.v1.subscription_schedules.cancel(made.id).status == "canceled"
    assert who.v1.subscriptions.retrieve(who.id).status == "canceled"
    found = who.v1.subscription_schedules.list({"customer": who.customer.id}).data
    assert [each.id for each in found] == [made.id]


def test_a_phase_of_another_interval(shared: Sandbox) -> None:
    who = Subscriber(shared)
    made = schedule(who, phase(who.price(1000)), {"items": [{"price": who.price(10000, "year")}]})
    who.to(MARCH + 3700)
    assert totals(who, made.subscription)[0] == 1000
    item = who.v1.subscriptions.retrieve(str(made.subscription))["items"].data[0]
    assert item.current_period_start == MARCH


def test_nobody_can_pay_the_first_phase(shared: Sandbox) -> None:
    who = Subscriber(shared)
    for method in who.v1.customers.payment_methods.list(who.customer.id).data:
        who.v1.payment_methods.detach(method.id)
    made = schedule(who, phase(who.price(1000)), start_date=MARCH)
    who.to(MARCH)
    begun = who.v1.subscription_schedules.retrieve(made.id)
    assert who.v1.subscriptions.retrieve(str(begun.subscription)).status == "incomplete"


def test_a_deleted_subscription_ends_its_schedule(shared: Sandbox) -> None:
    who = Subscriber(shared)
    made = who.v1.subscription_schedules.create({"from_subscription": who.id})
    who.v1.subscriptions.cancel(who.id)
    assert who.v1.subscription_schedules.retrieve(made.id).status == "canceled"
