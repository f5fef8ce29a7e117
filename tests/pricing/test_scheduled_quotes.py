"""What was promised of a change at the end of the period is what its first invoice says.

Over coupon × price × quantity × interval × currency (and tax) × the day of the quote; now and then the subscription is
renewed before the change could be carried out. ``QUOTE_CASES`` as in ``test_quotes.py``: a tenth of them.
"""

import os
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal.billing import plan_change_schedules, plan_quotes
from portal.billing.plan_change_errors import PeriodOver
from portal.billing.plan_change_work import require_unchanged
from portal.billing.plan_quotes import Asked
from portal.gateway.client import gateway
from portal.mirror import subscriptions
from tests.pricing.test_quotes import CURRENCIES, Step, Subscriber, coupons, steps, subscribed, taxes

CASES = max(int(os.environ.get("QUOTE_CASES", "240")) // 10, 1)
DAY = 86400
NEW_YEAR = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
# Months that end before the change, with it, or later.
repeating = st.builds(
    lambda percent, months: {"percent_off": percent, "duration": "repeating", "duration_in_months": months},
    st.integers(1, 100),
    st.sampled_from([1, 1, 2, 12, 13]),
)


def new_clock(day: int) -> str:
    """A clock that stands at a day of 2027."""
    start = NEW_YEAR + day * DAY
    return str(gateway().write(lambda s: s.v1.test_helpers.test_clocks.create({"frozen_time": start})).id)


def advance(clock: str, to: int) -> None:
    gateway().write(lambda s: s.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": to}))
    until = time.monotonic() + 20
    while gateway().read(lambda s: s.v1.test_helpers.test_clocks.retrieve(clock)).status != "ready":
        assert time.monotonic() < until, "the clock does not get there"
        time.sleep(0.01)


# Not shrunk: each try takes a second, and a failing change says all of its figures.
@settings(
    max_examples=CASES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    currency=st.sampled_from(CURRENCIES),
    coupon=st.one_of(coupons, repeating),
    tax=taxes,
    first=steps,
    then=steps,
    day=st.integers(0, 364),
    is_late=st.sampled_from([False, False, False, True]),
)
def test_what_was_promised_is_what_the_first_invoice_says(
    unhurried: Any, currency: str, coupon: Any, tax: Any, first: Step, then: Step, day: int, is_late: bool
) -> None:
    clock = new_clock(day)
    who = subscribed(currency, coupon, tax, first, clock)
    start, end = (int(moment.timestamp()) for moment in _period(who))
    advance(clock, max(start + (end - start) * then.thousandth // 1000, start + 1))
    asked = _asked(who, then)
    promised = plan_quotes.price(asked)
    assert promised.today is None
    if is_late:
        advance(clock, end + DAY)
        with pytest.raises(PeriodOver):
            require_unchanged(asked, subscriptions.fetch(who.id))
        return
    resource = subscriptions.fetch(who.id)
    require_unchanged(asked, resource)
    schedule = plan_change_schedules.begin(asked, f"begin:{who.id}")
    plan_change_schedules.write(schedule, who.id, asked, resource, f"write:{who.id}")
    advance(clock, end + 2 * 3600)
    invoice = who.invoice()
    assert invoice["lines"]["data"][0]["period"]["start"] == end
    names = ("subtotal", "total", "amount_due", "starting_balance")
    assert [invoice[name] for name in names] == [promised.following[name] for name in names]
    assert plan_quotes.Priced(None, invoice).figures()["next"]["lines"] == promised.figures()["next"]["lines"]


def _period(who: Subscriber) -> plan_quotes.Period:
    return plan_quotes.period_of_item(who.read()["items"]["data"][0])


def _asked(who: Subscriber, step: Step) -> Asked:
    item = who.read()["items"]["data"][0]
    return Asked(
        subscription_id=who.id,
        item_id=item["id"],
        price_id=who.price(step.hundreds, step.interval),
        quantity=step.quantity,
        interval=step.interval,
        timing="period_end",
        changes_interval=item["price"]["recurring"]["interval"] != step.interval,
        proration_at=None,
        currency=who.currency,
        product=who.product,
        plan_id="seat",
        is_free=step.hundreds == 0,
        whole=plan_quotes.period_of_item(item),
    )
