"""Changes of plan through the real SDK: Stripe's published figures, what is billed now and later, what is told."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import advance, clocked_customer, refusal

DAY = 86400
START = 1767225600  # 2026-01-01, whose month has 31 days
FEBRUARY = START + 31 * DAY  # 28 days: 2419200 seconds


class Subscriber:
    """A customer on a test clock with one subscription, and short ways to change and read it."""

    def __init__(self, sandbox: Sandbox, amount: int = 1000, at: int = FEBRUARY, **more: Any) -> None:
        self.sandbox, self.v1 = sandbox, sandbox.client.v1
        self.clock, self.customer = clocked_customer(sandbox, at)
        method = self.v1.payment_methods.attach("pm_card_visa", {"customer": self.customer.id})
        self.v1.customers.update(self.customer.id, {"invoice_settings": {"default_payment_method": method.id}})
        self.product = self.v1.products.create({"name": "Seat"}).id
        items = [{"price": self.price(amount), "quantity": more.pop("quantity", 1)}]
        params: Any = {"customer": self.customer.id, "items": items, **more}
        made = self.v1.subscriptions.create(params)
        self.id, self.item = made.id, made["items"].data[0].id

    def price(self, amount: int, interval: str = "month", **more: Any) -> str:
        recurring: Any = {"interval": interval, **more}
        params: Any = {"product": self.product, "currency": "usd", "unit_amount": amount, "recurring": recurring}
        return self.v1.prices.create(params).id

    def to(self, at: int) -> None:
        advance(self.sandbox, self.clock, at)

    def change(self, *, items: Any = None, **more: Any) -> stripe.Subscription:
        params: Any = {**({} if items is None else {"items": items}), **more}
        return self.v1.subscriptions.update(self.id, params)

    def onto(self, price: str, **more: Any) -> stripe.Subscription:
        return self.change(items=[{"id": self.item, "price": price, "quantity": 1}], **more)

    def pending(self) -> list[int]:
        found = self.v1.invoice_items.list({"customer": self.customer.id, "pending": True}).data
        return [item.amount for item in reversed(found)]

    def invoices(self) -> list[stripe.Invoice]:
        return self.v1.invoices.list({"subscription": self.id, "limit": 100}).data[::-1]

    def latest(self) -> stripe.Invoice:
        return self.invoices()[-1]

    def amounts(self) -> list[int]:
        return [line.amount for line in self.latest().lines.data]


def test_the_published_credit_of_a_four_week_period(shared: Sandbox) -> None:
    """1000 × 881112 / 2419200 gives back 364."""
    who = Subscriber(shared)
    who.to(FEBRUARY + 2_419_200 - 881_112)
    who.onto(who.price(0))
    assert who.pending() == [-364, 0]


def test_ten_to_twenty_dollars_half_way(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    changed = who.onto(who.price(2000))
    assert who.pending() == [-500, 1000]
    assert changed["items"].data[0].price.unit_amount == 2000
    who.to(FEBRUARY + 28 * DAY + 3700)
    assert who.amounts() == [1000, -500, 2000]
    assert (who.latest().total, who.latest().status) == (2500, "paid")


def test_one_to_two_hundred_in_the_middle_renews_at_two_hundred_and_fifty(shared: Sandbox) -> None:
    who = Subscriber(shared, 10000)
    who.to(FEBRUARY + 14 * DAY)
    who.onto(who.price(20000))
    who.to(FEBRUARY + 28 * DAY + 3700)
    assert who.latest().total == 25000


def test_always_invoice_bills_the_difference_now(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    changed = who.onto(who.price(2000), proration_behavior="always_invoice")
    invoice = who.latest()
    assert (invoice.id, invoice.total, invoice.status) == (changed.latest_invoice, 500, "paid")
    assert invoice.billing_reason == "subscription_update"
    parents: list[Any] = [line.parent for line in invoice.lines.data]
    assert [parent.subscription_item_details.proration for parent in parents] == [True, True]
    assert who.pending() == []


def test_none_changes_without_prorations(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    who.onto(who.price(2000), proration_behavior="none")
    assert (who.pending(), len(who.invoices())) == ([], 1)


def test_a_negative_total_becomes_balance_and_pays_the_renewal(shared: Sandbox) -> None:
    who = Subscriber(shared, 2000)
    who.to(FEBRUARY + 14 * DAY)
    who.onto(who.price(1000), proration_behavior="always_invoice")
    assert (who.latest().total, who.latest().amount_due, who.latest().status) == (-500, 0, "paid")
    assert who.v1.customers.retrieve(who.customer.id).balance == -500
    who.to(FEBRUARY + 28 * DAY + 3700)
    assert (who.latest().total, who.latest().amount_paid) == (1000, 500)


def test_several_changes_credit_every_debit_once(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    who.onto(who.price(2000))
    who.to(FEBRUARY + 21 * DAY)
    who.onto(who.price(4000))
    assert who.pending() == [-500, 1000, -500, 1000]


def test_the_quantity_falls_back_to_one_with_a_price_and_stays_without(shared: Sandbox) -> None:
    who = Subscriber(shared, quantity=5)
    kept = who.change(items=[{"id": who.item, "metadata": {"a": "b"}}])
    assert (kept["items"].data[0].quantity, who.pending()) == (5, [])
    changed = who.change(items=[{"id": who.item, "price": who.price(2000)}])
    assert changed["items"].data[0].quantity == 1
    assert who.pending() == [-5000, 2000]


def test_an_entry_without_an_id_adds_an_item(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    changed = who.change(items=[{"price": who.price(3000)}])
    assert len(changed["items"].data) == 2
    assert who.pending() == [1500]
    ends = {item.current_period_end for item in changed["items"].data}
    assert ends == {FEBRUARY + 28 * DAY}


def test_a_removed_item_gives_back_and_the_last_one_stays(shared: Sandbox) -> None:
    who = Subscriber(shared)
    added = who.change(items=[{"price": who.price(3000)}], proration_behavior="always_invoice")["items"].data[1].id
    who.to(FEBRUARY + 14 * DAY)
    left = who.change(items=[{"id": added, "deleted": True}])
    assert ([item.id for item in left["items"].data], who.pending()) == ([who.item], [-1500])
    with pytest.raises(stripe.InvalidRequestError):
        who.change(items=[{"id": who.item, "deleted": True}])


def test_the_anchor_begins_a_year_now(shared: Sandbox) -> None:
    who = Subscriber(shared)
    at = FEBRUARY + 14 * DAY
    who.to(at)
    changed = who.onto(who.price(10000, "year"), billing_cycle_anchor={"type": "now"})
    item = changed["items"].data[0]
    assert (changed.billing_cycle_anchor, item.current_period_start) == (at, at)
    assert item.current_period_end == at + 365 * DAY
    assert (who.amounts(), who.latest().total) == ([-500, 10000], 9500)


def test_without_it_the_year_ends_on_the_grid(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    changed = who.onto(who.price(36500, "year"), billing_cycle_anchor={"type": "unchanged"})
    assert changed.billing_cycle_anchor == FEBRUARY
    assert changed["items"].data[0].current_period_end == FEBRUARY + 365 * DAY
    assert who.pending() == [-500, 36500 - 1400]


def test_the_proration_date_decides_the_share(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 20 * DAY)
    who.onto(who.price(2000), proration_date=FEBRUARY + 14 * DAY)
    assert who.pending() == [-500, 1000]
    for more in (
        {"proration_date": FEBRUARY + 15 * DAY, "billing_cycle_anchor": {"type": "now"}},
        {"proration_date": FEBRUARY - 1},
        {"proration_date": FEBRUARY + 28 * DAY},
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            who.onto(who.price(3000), **more)
        assert refusal(refused.value)["param"] == "proration_date"


def test_a_trial_changes_its_plan_for_nothing(shared: Sandbox) -> None:
    who = Subscriber(shared, trial_period_days=14)
    who.onto(who.price(2000))
    assert who.pending() == []
    ended = who.onto(who.price(3000), trial_end="now")
    assert (ended.status, who.latest().total, who.latest().status) == ("active", 3000, "paid")


def test_a_trial_for_a_running_subscription_gives_back_all(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    changed = who.onto(who.price(2000), trial_end=FEBRUARY + 40 * DAY)
    assert (changed.status, who.latest().total) == ("trialing", -500)
    assert changed["items"].data[0].current_period_end == FEBRUARY + 40 * DAY


def test_a_discount_lowers_the_debit_and_its_credit(shared: Sandbox) -> None:
    who = Subscriber(shared)
    coupon = who.v1.coupons.create({"percent_off": 50, "duration": "forever"}).id
    who.to(FEBRUARY + 14 * DAY)
    who.onto(who.price(2000), discounts=[{"coupon": coupon}])
    assert who.pending() == [-500, 500]
    who.onto(who.price(4000))
    assert who.pending() == [-500, 500, -500, 1000]


def test_taxes_of_the_prorations_are_the_subscriptions(shared: Sandbox) -> None:
    rates: Any = [shared.client.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False}).id]
    who = Subscriber(shared, default_tax_rates=rates)
    who.to(FEBRUARY + 14 * DAY)
    who.onto(who.price(2000), proration_behavior="always_invoice")
    assert (who.latest().subtotal, who.latest().total) == (500, 600)


def test_the_event_tells_the_former_items(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.onto(who.price(2000))
    found = shared.raw("GET", "/v1/events?type=customer.subscription.updated&limit=100").json()["data"]
    event = next(each for each in found if each["data"]["object"]["id"] == who.id)
    former = event["data"]["previous_attributes"]["items"]["data"]
    assert former[0]["price"]["unit_amount"] == 1000
    assert event["data"]["object"]["items"]["data"][0]["price"]["unit_amount"] == 2000


def test_items_by_themselves(shared: Sandbox) -> None:
    who = Subscriber(shared)
    who.to(FEBRUARY + 14 * DAY)
    added = who.v1.subscription_items.create({"subscription": who.id, "price": who.price(3000), "quantity": 2})
    more = who.v1.subscription_items.update(added.id, {"quantity": 3})
    assert (added.quantity, more.quantity, who.pending()) == (2, 3, [3000, -3000, 4500])
    gone = who.v1.subscription_items.delete(added.id)
    assert (gone.deleted, who.pending()) == (True, [3000, -3000, 4500, -4500])


@pytest.mark.parametrize(
    "items",
    [
        [{"id": "si_unknown", "quantity": 2}],
        [{"quantity": 2}],
        [{"price": "price_unknown"}],
        [{"deleted": True}],
    ],
)
def test_items_that_make_no_sense(shared: Sandbox, items: Any) -> None:
    who = Subscriber(shared)
    with pytest.raises(stripe.InvalidRequestError):
        who.change(items=items)
    assert who.pending() == []


def test_to_be_sent_needs_a_term(shared: Sandbox) -> None:
    who = Subscriber(shared)
    with pytest.raises(stripe.InvalidRequestError):
        who.change(collection_method="send_invoice")
    who.onto(who.price(2000), collection_method="send_invoice", days_until_due=7, proration_behavior="always_invoice")
    invoice = who.latest()
    assert (invoice.collection_method, invoice.status) == ("send_invoice", "open")


def test_removing_a_metered_item_bills_its_usage(shared: Sandbox) -> None:
    who = Subscriber(shared)
    name = f"calls_{who.id}"
    meter = who.v1.billing.meters.create(
        {"display_name": "Calls", "event_name": name, "default_aggregation": {"formula": "sum"}}
    )
    metered = who.price(10, usage_type="metered", meter=meter.id)
    item = who.change(items=[{"price": metered}])["items"].data[1].id
    who.to(FEBRUARY + 2 * DAY)
    payload = {"stripe_customer_id": who.customer.id, "value": "7"}
    who.v1.billing.meter_events.create({"event_name": name, "payload": payload, "timestamp": FEBRUARY + DAY})
    who.change(items=[{"id": item, "deleted": True}])
    assert (who.latest().total, who.latest().billing_reason) == (70, "subscription_update")


def test_what_prorations_say(shared: Sandbox) -> None:
    """Stripe's words: no quantity of one, and days of two digits."""
    who = Subscriber(shared)
    who.to(FEBRUARY + 2 * DAY)
    who.change(items=[{"id": who.item, "quantity": 20}], proration_behavior="always_invoice")
    who.to(FEBRUARY + 12 * DAY)
    who.change(items=[{"id": who.item, "quantity": 1}], proration_behavior="always_invoice")
    texts = [[line.description for line in invoice.lines.data] for invoice in who.invoices()]
    assert texts == [
        ["1 × Seat (at $10.00 / month)"],
        ["Remaining time on 20 × Seat after 03 Feb 2026", "Unused time on Seat after 03 Feb 2026"],
        ["Remaining time on Seat after 13 Feb 2026", "Unused time on 20 × Seat after 13 Feb 2026"],
    ]
