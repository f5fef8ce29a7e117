"""The calls, in the order in which they build on each other: a small life of a customer on a test clock.

A call takes the client and what earlier calls answered, by name; it returns what is compared. Errors are answers too.
"""

import time
from collections.abc import Callable
from typing import Any

import stripe

Known = dict[str, Any]
Call = Callable[[stripe.StripeClient, Known], Any]
CALLS: dict[str, Call] = {}
_DAY = 86_400
_PATIENCE_SECONDS = 120


def call(name: str) -> Callable[[Call], Call]:
    """Register a call under the name by which later ones know its answer."""

    def add(function: Call) -> Call:
        CALLS[name] = function
        return function

    return add


def _id(known: Known, name: str) -> str:
    return str(known[name]["id"])


@call("product")
def _product(client: stripe.StripeClient, _known: Known) -> Any:
    return client.v1.products.create({"name": "Comparison", "metadata": {"purpose": "compare"}})


@call("price")
def _price(client: stripe.StripeClient, known: Known) -> Any:
    return _recurring(client, known, 1000, "month")


@call("dearer price")
def _dearer(client: stripe.StripeClient, known: Known) -> Any:
    return _recurring(client, known, 2000, "month")


def _recurring(client: stripe.StripeClient, known: Known, amount: int, interval: str) -> Any:
    recurring: Any = {"interval": interval}
    return client.v1.prices.create(
        {"product": _id(known, "product"), "currency": "usd", "unit_amount": amount, "recurring": recurring}
    )


@call("tiered price")
def _tiered(client: stripe.StripeClient, known: Known) -> Any:
    tiers: Any = [{"up_to": 10, "unit_amount": 100}, {"up_to": "inf", "unit_amount_decimal": "50.5"}]
    return client.v1.prices.create(
        {
            "product": _id(known, "product"),
            "currency": "usd",
            "recurring": {"interval": "month"},
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": tiers,
            "expand": ["tiers"],
        }
    )


@call("coupon")
def _coupon(client: stripe.StripeClient, known: Known) -> Any:
    coupon_id = f"compare-{known['run']}"  # one for both sides: Checkout and codes show it
    return client.v1.coupons.create(
        {"id": coupon_id, "percent_off": 12.5, "duration": "repeating", "duration_in_months": 2}
    )


@call("promotion code")
def _promotion_code(client: stripe.StripeClient, known: Known) -> Any:
    promotion: Any = {"type": "coupon", "coupon": _id(known, "coupon")}
    return client.v1.promotion_codes.create({"promotion": promotion, "code": f"COMPARE{known['run']}"})


@call("tax rate")
def _tax_rate(client: stripe.StripeClient, _known: Known) -> Any:
    return client.v1.tax_rates.create({"display_name": "VAT", "percentage": 19.25, "inclusive": False})


@call("clock")
def _clock(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.test_helpers.test_clocks.create({"frozen_time": known["began"], "name": "comparison"})


@call("customer")
def _customer(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.customers.create(
        {"email": "ada@example.com", "name": "Ada Lovelace", "test_clock": _id(known, "clock")}
    )


@call("method attached")
def _attached(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.payment_methods.attach("pm_card_visa", {"customer": _id(known, "customer")})


@call("default method")
def _default(client: stripe.StripeClient, known: Known) -> Any:
    settings: Any = {"default_payment_method": _id(known, "method attached")}
    return client.v1.customers.update(_id(known, "customer"), {"invoice_settings": settings})


@call("setup intent")
def _setup(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.setup_intents.create({"customer": _id(known, "customer"), "usage": "off_session"})


@call("subscription")
def _subscription(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.subscriptions.create(
        {
            "customer": _id(known, "customer"),
            "items": [{"price": _id(known, "price"), "quantity": 3}],
            "discounts": [{"coupon": _id(known, "coupon")}],
            "default_tax_rates": [_id(known, "tax rate")],
            "metadata": {"plan": "comparison"},
        }
    )


@call("monthly, later yearly")
def _later_yearly(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.subscriptions.create(
        {"customer": _id(known, "customer"), "items": [{"price": _id(known, "price")}]}
    )


@call("first invoice")
def _first_invoice(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoices.retrieve(
        str(known["subscription"]["latest_invoice"]), {"expand": ["payments", "discounts"]}
    )


@call("first lines")
def _first_lines(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoices.line_items.list(_id(known, "first invoice"))


@call("invoice payments")
def _payments(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoice_payments.list({"invoice": _id(known, "first invoice")})


@call("payment intent")
def _intent(client: stripe.StripeClient, known: Known) -> Any:
    payment = known["invoice payments"]["data"][0]["payment"]["payment_intent"]
    return client.v1.payment_intents.retrieve(payment)


@call("charge")
def _charge(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.charges.retrieve(str(known["payment intent"]["latest_charge"]))


@call("half a month later")
def _half(client: stripe.StripeClient, known: Known) -> Any:
    return _advanced(client, known, 15 * _DAY)


@call("preview of a change")
def _preview(client: stripe.StripeClient, known: Known) -> Any:
    details: Any = {"items": _dearer_item(known), "proration_date": known["began"] + 15 * _DAY}
    return client.v1.invoices.create_preview(
        {"subscription": _id(known, "subscription"), "subscription_details": details}
    )


@call("changed")
def _changed(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.subscriptions.update(
        _id(known, "subscription"),
        {"items": _dearer_item(known), "proration_date": known["began"] + 15 * _DAY},
    )


def _dearer_item(known: Known) -> Any:
    item = known["subscription"]["items"]["data"][0]["id"]
    return [{"id": item, "price": _id(known, "dearer price"), "quantity": 3}]


@call("pending items")
def _pending(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoice_items.list({"customer": _id(known, "customer"), "pending": True})


@call("after the renewal")
def _renewal(client: stripe.StripeClient, known: Known) -> Any:
    return _advanced(client, known, 33 * _DAY)


@call("renewed")
def _renewed(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.subscriptions.retrieve(_id(known, "subscription"))


@call("second invoice")
def _second_invoice(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoices.retrieve(str(known["renewed"]["latest_invoice"]), {"expand": ["payments"]})


@call("credit note preview")
def _note_preview(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.credit_notes.preview(
        {"invoice": _id(known, "second invoice"), "amount": 500, "credit_amount": 500}
    )


@call("credit note")
def _note(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.credit_notes.create({"invoice": _id(known, "second invoice"), "amount": 500, "credit_amount": 500})


@call("balance")
def _balance(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.customers.balance_transactions.list(_id(known, "customer"))


@call("balance moved")
def _moved(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.customers.balance_transactions.create(
        _id(known, "customer"), {"amount": -250, "currency": "usd", "description": "goodwill"}
    )


@call("refund")
def _refund(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.refunds.create({"charge": _id(known, "charge"), "amount": 100, "reason": "requested_by_customer"})


@call("yearly price")
def _yearly(client: stripe.StripeClient, known: Known) -> Any:
    return _recurring(client, known, 10_000, "year")


@call("another interval without a new anchor")
def _another_interval(client: stripe.StripeClient, known: Known) -> Any:
    item = known["monthly, later yearly"]["items"]["data"][0]["id"]
    return client.v1.subscriptions.update(
        _id(known, "monthly, later yearly"),
        {"items": [{"id": item, "price": _id(known, "yearly price")}], "proration_date": known["began"] + 33 * _DAY},
    )


@call("another interval's invoices")
def _interval_invoices(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoices.list({"subscription": _id(known, "monthly, later yearly"), "expand": ["data.payments"]})


@call("another interval's pending items")
def _interval_pending(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoice_items.list({"customer": _id(known, "customer"), "pending": True})


@call("ends at the period's end")
def _ending(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.subscriptions.update(_id(known, "subscription"), {"cancel_at_period_end": True})


@call("ended")
def _ended(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.subscriptions.cancel(_id(known, "subscription"))


@call("trial")
def _trial(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.subscriptions.create(
        {
            "customer": _id(known, "customer"),
            "items": [{"price": _id(known, "price")}],
            "trial_period_days": 14,
            "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
        }
    )


@call("trial's invoice")
def _trial_invoice(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoices.retrieve(str(known["trial"]["latest_invoice"]))


@call("inline price and a setup fee")
def _inline(client: stripe.StripeClient, known: Known) -> Any:
    inline = {"currency": "usd", "product": _id(known, "product"), "unit_amount": 700}
    params: Any = {
        "customer": _id(known, "customer"),
        "items": [{"price_data": {**inline, "recurring": {"interval": "month"}}}],
        "add_invoice_items": [{"price_data": inline, "quantity": 2}],
        "trial_period_days": 7,
    }
    return client.v1.subscriptions.create(params)


@call("setup fee's invoice")
def _fee_invoice(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoices.retrieve(str(known["inline price and a setup fee"]["latest_invoice"]))


@call("setup fee added")
def _fee_added(client: stripe.StripeClient, known: Known) -> Any:
    inline: Any = {"currency": "usd", "product": _id(known, "product"), "unit_amount": 500}
    client.v1.subscriptions.update(_id(known, "trial"), {"add_invoice_items": [{"price_data": inline}]})
    return client.v1.invoice_items.list({"customer": _id(known, "customer"), "pending": True})


@call("checkout session")
def _session(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": _id(known, "price"), "quantity": 1}],
            "success_url": "https://example.com/done?session={CHECKOUT_SESSION_ID}",
            "client_reference_id": "comparison",
        }
    )


@call("session expired")
def _expired(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.checkout.sessions.expire(_id(known, "checkout session"))


@call("events of the subscription")
def _events(client: stripe.StripeClient, known: Known) -> Any:
    """Their types alone, oldest first: bodies are compared above, and their order is not promised."""
    mine = _id(known, "subscription")
    listed = client.v1.events.list({"limit": 100, "created": {"gte": int(time.time()) - 3600}})
    return sorted(event.type for event in listed.data if mine in str(event.data.to_dict()))


@call("refused: unknown parameter")
def _unknown(client: stripe.StripeClient, _known: Known) -> Any:
    wrong: Any = {"nome": "Ada"}
    return client.v1.customers.create(wrong)


@call("refused: missing object")
def _missing(client: stripe.StripeClient, _known: Known) -> Any:
    return client.v1.invoices.retrieve("in_000000000000000000000000")


@call("refused: a card without funds")
def _no_funds(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.payment_intents.create(
        {
            "amount": 1000,
            "currency": "usd",
            "customer": _id(known, "customer"),
            "payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds",
            "confirm": True,
            "off_session": True,
        }
    )


@call("refused: paying twice")
def _paid_twice(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.invoices.pay(_id(known, "first invoice"))


@call("customer deleted")
def _deleted(client: stripe.StripeClient, known: Known) -> Any:
    return client.v1.customers.delete(_id(known, "customer"))


def _advanced(client: stripe.StripeClient, known: Known, seconds: int) -> Any:
    """The test clock, once it stands still again."""
    clock_id = _id(known, "clock")
    client.v1.test_helpers.test_clocks.advance(clock_id, {"frozen_time": known["began"] + seconds})
    until = time.monotonic() + _PATIENCE_SECONDS
    while (clock := client.v1.test_helpers.test_clocks.retrieve(clock_id)).status == "advancing":
        if time.monotonic() > until:
            raise TimeoutError(f"the test clock {clock_id} does not get ready")
        time.sleep(0.5)
    return clock
