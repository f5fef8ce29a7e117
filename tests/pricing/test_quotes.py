"""What was quoted is what is invoiced, and every line of it follows from its formula.

Over coupon × price × quantity × interval × second × currency (and tax), through the portal's own questions to Stripe
and the real SDK. Some hundred changes in each run; ``QUOTE_CASES=10000`` for as many as one has patience for.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal.billing import plan_quotes
from portal.billing.plan_change_work import update_params
from portal.billing.plan_quotes import Asked
from portal.gateway.client import as_dict, gateway
from portal.mirror.line_explanations import details_of, price_of, terms_of
from portal.pricing import explain
from portal.pricing.explain import Explanation, Shown
from portal.pricing.prorations import Share

CASES = int(os.environ.get("QUOTE_CASES", "240"))
CHANGES = 4  # of one subscription
CURRENCIES = ("usd", "eur", "jpy", "kwd")
_numbers = count(1)


@dataclass(frozen=True)
class Step:
    """One change: to a price for a quantity, at a thousandth of what is left of the period, or a new cycle."""

    hundreds: int
    quantity: int
    interval: str
    thousandth: int


@dataclass
class Subscriber:
    """A subscription at Stripe, and the formula of every line that it was billed."""

    currency: str
    product: str
    prices: dict[str, int] = field(default_factory=dict)
    billed: dict[str, tuple[Share, int]] = field(default_factory=dict)
    id: str = ""

    def price(self, hundreds: int, interval: str) -> str:
        step = 10 if self.currency == "kwd" else 1
        amount = hundreds * step
        params: Any = {
            "product": self.product, "currency": self.currency, "unit_amount": amount,
            "recurring": {"interval": interval},
        }  # fmt: skip
        made = gateway().write(lambda s: s.v1.prices.create(params)).id
        self.prices[made] = amount
        return str(made)

    def read(self) -> dict[str, Any]:
        return as_dict(gateway().read(lambda s: s.v1.subscriptions.retrieve(self.id)))

    def invoice(self) -> dict[str, Any]:
        """The newest one."""
        expand = ["discounts.source.coupon"]
        params: Any = {"subscription": self.id, "limit": 1, "expand": [f"data.{name}" for name in expand]}
        return as_dict(gateway().read(lambda s: s.v1.invoices.list(params)))["data"][0]

    def explained(self, line: dict[str, Any], terms: Any, whole: int) -> Explanation | None:
        """The portal's arithmetic, told what it would find in its own rows."""
        taken = line["discount_amounts"] or []
        shown = Shown(line["amount"], sum(entry["amount"] for entry in taken), line["currency"])
        details, seconds = details_of(line), line["period"]["end"] - line["period"]["start"]
        if not details.get("proration"):
            unit = Decimal(str(line["pricing"]["unit_amount_decimal"]))
            return explain.whole_price(shown, unit, Decimal(str(line["quantity"])))
        credited = ((details["proration_details"] or {}).get("credited_items") or {}).get("invoice_line_items")
        if credited:
            billed, of_seconds = self.billed[credited[0]]
            return explain.given_back(shown, billed, seconds, of_seconds)
        unit = Decimal(self.prices[price_of(line)])
        off = [terms[entry["discount"]] for entry in taken]
        return explain.time_left(shown, unit, Decimal(line["quantity"]), seconds, whole, off)

    def remember(self, invoice: dict[str, Any], whole: int) -> None:
        """What later credits are shares of; every line must have its formula."""
        for line in invoice["lines"]["data"]:
            found = self.explained(line, terms_of(invoice["discounts"]), whole)
            assert found is not None, line
            taken = tuple(entry["amount"] for entry in line["discount_amounts"] or [])
            share = found.share if found.kind != "price" else Share(line["amount"], taken)
            self.billed[line["id"]] = (share, line["period"]["end"] - line["period"]["start"])


steps = st.builds(
    Step,
    hundreds=st.integers(0, 90_000),
    quantity=st.integers(1, 7),
    interval=st.sampled_from(["month", "month", "month", "year"]),
    thousandth=st.integers(0, 999),
)
coupons = st.one_of(
    st.none(),
    st.builds(
        lambda percent, duration: {"percent_off": percent / 100, **duration},
        st.integers(1, 10_000),
        st.sampled_from([{"duration": "forever"}, {"duration": "once"},
                         {"duration": "repeating", "duration_in_months": 3}]),
    ),
    st.builds(lambda amount: {"amount_off": amount * 10, "duration": "forever"}, st.integers(1, 9_000)),
)  # fmt: skip
taxes = st.sampled_from([None, None, {"percentage": 19, "inclusive": False}, {"percentage": 8.875, "inclusive": True}])


# Not shrunk: each try takes a second, and a failing change says all of its figures.
@settings(
    max_examples=max(CASES // CHANGES, 1),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    currency=st.sampled_from(CURRENCIES),
    coupon=coupons,
    tax=taxes,
    first=steps,
    changes=st.lists(steps, min_size=CHANGES, max_size=CHANGES),
)
def test_what_was_quoted_is_what_is_invoiced(
    unhurried: Any, currency: str, coupon: Any, tax: Any, first: Step, changes: Sequence[Step]
) -> None:
    who = subscribed(currency, coupon, tax, first)
    for number, step in enumerate(changes):
        change(who, step, number)


def subscribed(currency: str, coupon: Any, tax: Any, first: Step, clock: str | None = None) -> Subscriber:
    """A new subscription; ``clock``: the test clock that its customer lives on."""

    def write(call: Any) -> Any:
        return gateway().write(call)

    product = write(lambda s: s.v1.products.create({"name": f"Seat {next(_numbers)}"})).id
    who = Subscriber(currency, product)
    person: Any = {"email": "quoted@example.com", **({"test_clock": clock} if clock else {})}
    customer = write(lambda s: s.v1.customers.create(person)).id
    method = write(lambda s: s.v1.payment_methods.attach("pm_card_visa", {"customer": customer})).id
    items = [{"price": who.price(first.hundreds, first.interval), "quantity": first.quantity}]
    params: Any = {"customer": customer, "default_payment_method": method, "items": items}
    if coupon is not None:
        given = {**coupon, **({"currency": currency} if "amount_off" in coupon else {})}
        params["discounts"] = [{"coupon": write(lambda s: s.v1.coupons.create(given)).id}]
    if tax is not None:
        params["default_tax_rates"] = [write(lambda s: s.v1.tax_rates.create({"display_name": "VAT", **tax})).id]
    who.id = write(lambda s: s.v1.subscriptions.create(params)).id
    who.remember(who.invoice(), 0)
    return who


def change(who: Subscriber, step: Step, number: int) -> None:
    item = who.read()["items"]["data"][0]
    start, end = item["current_period_start"], item["current_period_end"]
    # Later than the change before it: within the part of the period that is that change's own.
    at = start + (end - start) * (number * 1000 + step.thousandth) // (CHANGES * 1000)
    asked = Asked(
        subscription_id=who.id,
        item_id=item["id"],
        price_id=who.price(step.hundreds, step.interval),
        quantity=step.quantity,
        interval=step.interval,
        timing="now",
        changes_interval=item["price"]["recurring"]["interval"] != step.interval,
        proration_at=datetime.fromtimestamp(at, UTC),
        currency=who.currency,
        product=who.product,
        plan_id="seat",
        is_free=step.hundreds == 0,
        whole=(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)),
    )
    if asked.resets_anchor:
        asked = plan_quotes.Asked(**{**vars(asked), "credit_minor": plan_quotes.unused_minor(asked)})
    quoted = plan_quotes.price(asked)
    assert quoted.today is not None
    if number == 0:
        assert plan_quotes.price(asked).figures()["today"] == quoted.figures()["today"], "asked again, it is the same"
    params = update_params(asked)
    updated = as_dict(gateway().write(lambda s: s.v1.subscriptions.update(who.id, params)))
    assert updated["pending_update"] is None
    invoice = who.invoice()
    names = ("subtotal", "total", "amount_due", "starting_balance")
    assert [invoice[name] for name in names] == [quoted.today[name] for name in names]
    assert plan_quotes.Priced(None, invoice).figures()["next"]["lines"] == quoted.figures()["today"]["lines"]
    who.remember(invoice, end - start)
