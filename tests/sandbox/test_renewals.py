"""Renewals: periods, the draft hour, anchors, mixed intervals, sent invoices."""

from itertools import pairwise
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .support import product_with_price
from .timing import DAY, START, advance, at, clock_at, clocked_customer, told

HOUR = 3600


def subscribe(sandbox: Sandbox, customer: str, *prices: str, **more: Any) -> Any:
    return sandbox.client.v1.subscriptions.create(
        {"customer": customer, "items": [{"price": price} for price in prices], **more}
    )


def periods(subscription: Any) -> list[tuple[int, int]]:
    return [(item.current_period_start, item.current_period_end) for item in subscription["items"].data]


def invoices_of(sandbox: Sandbox, subscription: str) -> list[Any]:
    """Oldest first."""
    return sandbox.client.v1.invoices.list({"subscription": subscription, "limit": 100}).data[::-1]


def test_a_renewal_is_drafted_then_paid_after_an_hour(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id)
    subscription = subscribe(sandbox, customer, price.id)
    renewal = at(2026, 2, 1)
    assert periods(subscription) == [(START, renewal)]
    advance(sandbox, clock.id, renewal)
    draft = invoices_of(sandbox, subscription.id)[1]
    assert (draft.status, draft.billing_reason, draft.total, draft.number) == (
        "draft",
        "subscription_cycle",
        2900,
        None,
    )
    assert (draft.period_start, draft.period_end) == (START, renewal)
    assert (draft.automatically_finalizes_at, draft.next_payment_attempt) == (renewal + HOUR, renewal + HOUR)
    assert draft.test_clock == clock.id
    line = draft.lines.data[0]
    assert (line.period.start, line.period.end) == (renewal, at(2026, 3, 1))
    renewed = sandbox.client.v1.subscriptions.retrieve(subscription.id)
    assert periods(renewed) == [(renewal, at(2026, 3, 1))]
    assert (renewed.latest_invoice, renewed.test_clock, renewed.status) == (draft.id, clock.id, "active")
    advance(sandbox, clock.id, renewal + HOUR)
    paid = sandbox.client.v1.invoices.retrieve(draft.id)
    assert (paid.status, paid.attempt_count, paid.automatically_finalizes_at) == ("paid", 1, None)
    assert (paid.status_transitions.finalized_at, paid.status_transitions.paid_at) == (renewal + HOUR, renewal + HOUR)
    assert told(sandbox, renewal, "customer.subscription", "invoice.") == [
        (0, "customer.subscription.updated"),
        (0, "invoice.created"),
        (HOUR, "invoice.finalized"),
        (HOUR, "invoice.updated"),
        (HOUR, "invoice.paid"),
        (HOUR, "invoice.payment_succeeded"),
    ]
    announced = renewal - 7 * DAY
    upcoming = [e for e in sandbox.look("events")["data"] if e["type"] == "invoice.upcoming"]
    assert [(event["created"], event["data"]["object"]["total"]) for event in upcoming] == [(announced, 2900)]
    ahead = upcoming[0]["data"]["object"]["lines"]["data"][0]["period"]
    assert (ahead["start"], ahead["end"]) == (renewal, at(2026, 3, 1))


def test_month_ends_keep_the_anchors_day(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox, at(2028, 1, 31, 12))
    subscription = subscribe(sandbox, clocked_customer(sandbox, clock.id), price.id)
    for year, month in ((2028, 3), (2028, 4), (2028, 6)):
        advance(sandbox, clock.id, at(year, month, 28))
    starts = [invoice.lines.data[0].period.start for invoice in invoices_of(sandbox, subscription.id)]
    assert starts == [at(2028, *day, 12) for day in ((1, 31), (2, 29), (3, 31), (4, 30), (5, 31))]


def test_a_leap_day_comes_back_every_four_years(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox, interval="year")
    clock = clock_at(sandbox, at(2028, 2, 29))
    subscription = subscribe(sandbox, clocked_customer(sandbox, clock.id), price.id)
    ends = []
    for year in (2029, 2030, 2031, 2032):
        advance(sandbox, clock.id, at(year, 3, 2))
        ends.append(periods(sandbox.client.v1.subscriptions.retrieve(subscription.id))[0][0])
    assert ends == [at(2029, 2, 28), at(2030, 2, 28), at(2031, 2, 28), at(2032, 2, 29)]


def test_mixed_intervals_have_periods_and_invoices_of_their_own(sandbox: Sandbox) -> None:
    _, monthly = product_with_price(sandbox, 1000)
    _, yearly = product_with_price(sandbox, 9000, interval="year")
    clock = clock_at(sandbox)
    subscription = subscribe(sandbox, clocked_customer(sandbox, clock.id), monthly.id, yearly.id)
    for month in range(2, 13, 2):
        advance(sandbox, clock.id, at(2026, month, 2))
    advance(sandbox, clock.id, at(2027, 1, 2))
    invoices = invoices_of(sandbox, subscription.id)
    assert [invoice.total for invoice in invoices] == [10000, *[1000] * 11, 10000]
    renewed = sandbox.client.v1.subscriptions.retrieve(subscription.id)
    assert periods(renewed) == [(at(2027, 1, 1), at(2027, 2, 1)), (at(2027, 1, 1), at(2028, 1, 1))]
    assert invoices[1].period_start == START


def test_an_anchor_ahead_makes_a_first_part_of_a_period(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox, 3100)
    clock = clock_at(sandbox, at(2026, 1, 21))
    customer = clocked_customer(sandbox, clock.id)
    anchor = at(2026, 2, 1)
    subscription = subscribe(sandbox, customer, price.id, billing_cycle_anchor=anchor)
    assert (periods(subscription), subscription.billing_cycle_anchor) == ([(at(2026, 1, 21), anchor)], anchor)
    free = subscribe(sandbox, customer, price.id, billing_cycle_anchor=anchor, proration_behavior="none")
    config = subscribe(sandbox, customer, price.id, billing_cycle_anchor_config={"day_of_month": 31, "hour": 0})
    assert config.billing_cycle_anchor == at(2026, 1, 31)
    assert config.billing_cycle_anchor_config.to_dict() == {
        "day_of_month": 31, "hour": 0, "minute": None, "month": None, "second": None,
    }  # fmt: skip
    advance(sandbox, clock.id, at(2026, 3, 2))
    # 11 of 31 days at 3100; of the last one 10 of 31.
    assert [invoice.total for invoice in invoices_of(sandbox, subscription.id)] == [1100, 3100, 3100]
    assert [invoice.total for invoice in invoices_of(sandbox, free.id)] == [0, 3100, 3100]
    starts = [i.lines.data[0].period.start for i in invoices_of(sandbox, config.id)]
    assert starts == [at(2026, 1, 21), at(2026, 1, 31), at(2026, 2, 28)]
    assert periods(sandbox.client.v1.subscriptions.retrieve(config.id)) == [(at(2026, 2, 28), at(2026, 3, 31))]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"billing_cycle_anchor": START - 1}, "must be in the future"),
        ({"billing_cycle_anchor": START + 32 * DAY}, "natural billing date"),
        ({"billing_cycle_anchor_config": {"day_of_month": 32}}, "day_of_month is 1 to 31"),
        ({"billing_cycle_anchor": START + DAY, "billing_cycle_anchor_config": {"day_of_month": 1}}, "only pass one"),
        ({"collection_method": "send_invoice"}, "days_until_due"),
        ({"days_until_due": 3}, "only be set"),
        ({"backdate_start_date": START - DAY}, "does not model backdate_start_date"),
    ],
)
def test_terms_that_are_refused(shared: Sandbox, params: Any, message: str) -> None:
    _, price = product_with_price(shared)
    clock = clock_at(shared)
    customer = clocked_customer(shared, clock.id)
    with pytest.raises(stripe.InvalidRequestError, match=message):
        subscribe(shared, customer, price.id, **params)


def test_limits_of_a_clock_with_subscriptions(shared: Sandbox) -> None:
    _, weekly = product_with_price(shared, interval="week")
    _, monthly = product_with_price(shared)
    clock = clock_at(shared)
    customer = clocked_customer(shared, clock.id)
    first = subscribe(shared, customer, weekly.id)
    for _ in range(2):
        subscribe(shared, customer, monthly.id)
    with pytest.raises(stripe.InvalidRequestError, match="at most 3 subscriptions"):
        subscribe(shared, customer, monthly.id)
    clocks = shared.client.v1.test_helpers.test_clocks
    with pytest.raises(stripe.InvalidRequestError, match="two intervals"):
        clocks.advance(clock.id, {"frozen_time": START + 14 * DAY + 1})
    advance(shared, clock.id, START + 14 * DAY)
    listing = shared.client.v1.subscriptions.list
    assert first.id not in [found.id for found in listing({"limit": 100}).data]
    assert len(listing({"test_clock": clock.id}).data) == 3
    item = first["items"].data[0]
    assert shared.client.v1.subscription_items.retrieve(item.id).current_period_start == START + 14 * DAY
    assert [found.id for found in shared.client.v1.subscription_items.list({"subscription": first.id})] == [item.id]


def test_deleting_a_clock_cancels_its_subscriptions(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox)
    subscription = subscribe(sandbox, clocked_customer(sandbox, clock.id), price.id)
    sandbox.client.v1.test_helpers.test_clocks.delete(clock.id)
    gone = sandbox.client.v1.subscriptions.retrieve(subscription.id)
    assert (gone.status, gone.ended_at) == ("canceled", START)
    sandbox.control("clock", {"advance_seconds": 60 * DAY})
    assert len(invoices_of(sandbox, subscription.id)) == 1


def test_the_global_clock_renews_without_limits(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    customer = sandbox.client.v1.customers.create({})
    attached = sandbox.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    sandbox.client.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": attached.id}})
    subscription = subscribe(sandbox, customer.id, price.id)
    sandbox.control("clock", {"advance_seconds": 732 * DAY})
    invoices = invoices_of(sandbox, subscription.id)
    assert [(invoice.status, invoice.total) for invoice in invoices] == [("paid", 2900)] * 25
    spans = [(i.lines.data[0].period.start, i.lines.data[0].period.end) for i in invoices]
    assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_sent_invoices_become_due_and_overdue(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id, None)
    subscription = subscribe(sandbox, customer, price.id, collection_method="send_invoice", days_until_due=10)
    assert subscription.status == "active"
    first = invoices_of(sandbox, subscription.id)[0]
    assert (first.status, first.automatically_finalizes_at, first.next_payment_attempt) == (
        "draft", START + HOUR, None,
    )  # fmt: skip
    advance(sandbox, clock.id, START + 12 * DAY)
    due = START + HOUR + 10 * DAY
    late = sandbox.client.v1.invoices.retrieve(first.id)
    assert (late.status, late.due_date, late.attempt_count) == ("open", due, 0)
    assert sandbox.client.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert sandbox.client.v1.customers.retrieve(customer).delinquent is True
    assert told(sandbox, START + 1, "customer.subscription", "invoice.") == [
        (HOUR - 1, "invoice.finalized"),
        (HOUR - 1, "invoice.sent"),
        (due - 3 * DAY - START - 1, "invoice.will_be_due"),
        (due - START - 1, "invoice.overdue"),
        (due - START - 1, "customer.subscription.updated"),
    ]
    sandbox.client.v1.invoices.pay(first.id, {"paid_out_of_band": True})
    assert sandbox.client.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert sandbox.client.v1.customers.retrieve(customer).delinquent is False
