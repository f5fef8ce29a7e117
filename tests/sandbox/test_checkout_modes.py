"""Checkout in payment and setup mode, and several things at once in subscription mode."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .shopping import event_types, opened, press, priced, read, send, session_for, settle, text_of
from .support import customer_with_card


def test_a_guest_pays_once(shared: Sandbox) -> None:
    price = priced(shared, 1500, name="Mug", recurring=False)
    session = session_for(
        shared,
        "payment",
        price,
        payment_intent_data={"description": "A mug", "metadata": {"order": "7"}, "receipt_email": "r@example.com"},
        metadata={"cart": "9"},
    )
    assert (session.payment_status, session.amount_total, session.payment_intent) == ("unpaid", 1500, None)
    assert (session.customer_creation, session.payment_method_collection) == ("if_required", "if_required")
    assert "Pay Sandbox" in text_of(opened(session))
    settle(shared, session.id, name="Ada")
    done = read(shared, session.id, "payment_intent")
    assert (done.status, done.payment_status, done.customer, done.invoice) == ("complete", "paid", None, None)
    assert (done.customer_details.email, done.customer_details.name) == ("payer@example.com", "Ada")
    intent = done.payment_intent
    assert (intent.status, intent.amount_received, intent.customer) == ("succeeded", 1500, None)
    assert (intent.description, intent.receipt_email) == ("A mug", "r@example.com")
    assert intent.metadata.to_dict() == {"order": "7"}
    assert intent.setup_future_usage is None
    method = shared.client.v1.payment_methods.retrieve(intent.payment_method)
    assert method.customer is None
    assert event_types(shared, session.id) == ["checkout.session.completed"]
    listed = shared.client.v1.checkout.sessions.list({"payment_intent": intent.id}).data
    assert [each.id for each in listed] == [session.id]


def test_a_customers_card_is_kept_when_it_shall_be_used_again(shared: Sandbox) -> None:
    price = priced(shared, 1500, recurring=False)
    customer, _ = customer_with_card(shared)
    once = session_for(shared, "payment", price, customer=customer.id)
    settle(shared, once.id)
    assert len(shared.client.v1.payment_methods.list({"customer": customer.id}).data) == 1
    data: Any = {"setup_future_usage": "off_session"}
    again = session_for(shared, "payment", price, customer=customer.id, payment_intent_data=data)
    settle(shared, again.id)
    kept = shared.client.v1.payment_methods.list({"customer": customer.id}).data
    assert [method.allow_redisplay for method in kept] == ["limited", "unspecified"]
    assert shared.client.v1.charges.list({"customer": customer.id}).data[0].payment_method == kept[0].id


def test_what_is_kept_may_depend_on_the_type(shared: Sandbox) -> None:
    options: Any = {"card": {"setup_future_usage": "off_session"}, "paypal": {"setup_future_usage": "none"}}
    customer = shared.client.v1.customers.create({"email": "type@example.com"})
    for how, kept in (({"paypal": True, "three_d_secure": "complete"}, []), ({}, ["card"])):
        session = session_for(
            shared,
            "payment",
            priced(shared, 1500, recurring=False),
            customer=customer.id,
            payment_method_options=options,
            payment_intent_data={"shipping": {"name": "Ada", "address": {"line1": "1 Main St", "country": "US"}}},
        )
        settle(shared, session.id, **how)
        intent: Any = read(shared, session.id, "payment_intent").payment_intent
        assert intent.setup_future_usage == ("off_session" if kept else None)
        assert (intent.shipping.name, intent.shipping.address.country) == ("Ada", "US")
        assert [method.type for method in shared.client.v1.payment_methods.list({"customer": customer.id})] == kept


def test_an_invoice_for_what_was_paid_once(shared: Sandbox) -> None:
    price = priced(shared, 1500, name="Mug", recurring=False)
    invoice_data: Any = {
        "description": "Thanks",
        "footer": "Bye",
        "metadata": {"a": "b"},
        "rendering_options": {"amount_tax_display": "exclude_tax"},
    }
    session = session_for(shared, "payment", price, invoice_creation={"enabled": True, "invoice_data": invoice_data})
    settle(shared, session.id)
    done = read(shared, session.id, "invoice.payments", "customer")
    invoice = done.invoice
    assert (invoice.status, invoice.billing_reason, invoice.amount_paid) == ("paid", "manual", 1500)
    assert (invoice.description, invoice.footer, invoice.metadata.to_dict()) == ("Thanks", "Bye", {"a": "b"})
    assert invoice.rendering.amount_tax_display == "exclude_tax"
    assert invoice.payments.data[0].payment.payment_intent == done.payment_intent
    assert (invoice.customer, done.customer.email) == (done.customer.id, "payer@example.com")
    assert [line.description for line in invoice.lines.data] == ["Mug"]


def test_the_customers_balance_does_not_pay_what_was_paid(shared: Sandbox) -> None:
    customer = shared.client.v1.customers.create({"email": "rich@example.com", "balance": -500})
    session = session_for(
        shared,
        "payment",
        priced(shared, 1500, recurring=False),
        customer=customer.id,
        invoice_creation={"enabled": True},
    )
    settle(shared, session.id)
    invoice: Any = read(shared, session.id, "invoice").invoice
    assert (invoice.amount_due, invoice.amount_paid, invoice.starting_balance) == (1500, 1500, 0)
    assert shared.client.v1.customers.retrieve(customer.id).balance == -500


def test_an_amount_is_held_and_captured_later(shared: Sandbox) -> None:
    data: Any = {"capture_method": "manual"}
    session = session_for(shared, "payment", priced(shared, 1500, recurring=False), payment_intent_data=data)
    settle(shared, session.id)
    done = read(shared, session.id, "payment_intent")
    assert (done.status, done.payment_status, done.payment_intent.status) == ("complete", "unpaid", "requires_capture")
    shared.client.v1.payment_intents.capture(done.payment_intent.id)
    assert read(shared, session.id).payment_status == "paid"


def test_inline_prices_and_quantities_that_the_payer_changes(shared: Sandbox) -> None:
    items: Any = [
        {
            "price_data": {"currency": "usd", "unit_amount": 700, "product_data": {"name": "Cup"}},
            "quantity": 2,
            "adjustable_quantity": {"enabled": True, "minimum": 1, "maximum": 5},
        },
        {"price": priced(shared, 100, recurring=False), "quantity": 1},
    ]
    session = session_for(shared, "payment", line_items=items)
    assert session.amount_total == 1500
    listed = shared.client.v1.checkout.sessions.line_items.list(session.id).data
    assert [(item.description, item.amount_total) for item in listed] == [("Cup", 1400), ("Starter", 100)]
    bounds: Any = listed[0].adjustable_quantity
    assert (bounds.minimum, bounds.maximum, listed[1].adjustable_quantity) == (1, 5, None)
    assert not listed[0].price.active
    assert send(session, "/quantities", **{listed[0].id: "5"}).status_code == 303
    assert read(shared, session.id).amount_total == 3600
    for wrong in ({listed[0].id: "6"}, {listed[1].id: "2"}):
        refused = send(session, "/quantities", **wrong)
        assert refused.status_code == 422
        assert "within the limits" in text_of(refused)
    assert press(session).status_code == 303
    assert read(shared, session.id, "payment_intent").payment_intent.amount_received == 3600


def test_nothing_to_pay_needs_no_method(shared: Sandbox) -> None:
    session = session_for(shared, "payment", priced(shared, 0, recurring=False))
    page = opened(session)
    assert "nothing is due" in text_of(page)
    assert "Complete order" in text_of(page)
    assert press(session, number="").status_code == 303
    done = read(shared, session.id)
    assert (done.payment_status, done.payment_intent) == ("no_payment_required", None)


@pytest.mark.parametrize(("known", "creation"), [(True, None), (False, None), (False, "always")])
def test_a_card_is_set_up(shared: Sandbox, known: bool, creation: str | None) -> None:
    more: Any = {"customer": shared.client.v1.customers.create({"email": "s@example.com"}).id} if known else {}
    if creation:
        more["customer_creation"] = creation
    session = session_for(
        shared, "setup", setup_intent_data={"description": "For later", "metadata": {"a": "b"}}, **more
    )
    assert (session.payment_status, session.amount_total, session.total_details) == ("no_payment_required", None, None)
    waiting = shared.client.v1.setup_intents.retrieve(str(session.setup_intent))
    assert (waiting.status, waiting.description) == ("requires_payment_method", "For later")
    assert waiting.metadata is not None
    assert waiting.metadata.to_dict() == {"a": "b"}
    assert "Save your payment details" in text_of(opened(session))
    assert press(session, number="4000 0000 0000 0002").status_code == 402
    assert press(session).status_code == 303
    done = read(shared, session.id, "setup_intent.payment_method")
    assert (done.status, done.setup_intent.status) == ("complete", "succeeded")
    assert (done.customer is not None) == (known or creation == "always")
    assert done.setup_intent.payment_method.customer == done.customer
    assert done.payment_intent is None


def test_a_subscription_with_several_items_one_of_them_once(shared: Sandbox) -> None:
    monthly, seats = priced(shared, 2900), priced(shared, 500, name="Seat")
    setup = priced(shared, 10000, name="Setup", recurring=False)
    items: Any = [
        {"price": monthly, "quantity": 1, "metadata": {"role": "base"}},
        {"price": seats, "quantity": 3},
        {"price": setup, "quantity": 1},
    ]
    session = session_for(shared, "subscription", line_items=items)
    assert session.amount_total == 14400
    shown = text_of(opened(session))
    assert "Subscribe to Starter and 1 more" in shown
    assert "Then $44.00 per month." in shown
    settle(shared, session.id)
    done = read(shared, session.id, "subscription", "invoice")
    assert [item.quantity for item in done.subscription["items"].data] == [1, 3]
    assert done.subscription["items"].data[0].metadata.to_dict() == {"role": "base"}
    assert [line.amount for line in done.invoice.lines.data] == [10000, 1500, 2900]
    assert (done.invoice.status, done.invoice.amount_paid) == ("paid", 14400)


def test_metered_items_and_other_currencies(shared: Sandbox) -> None:
    v1 = shared.client.v1
    meter = v1.billing.meters.create(
        {"display_name": "Calls", "event_name": "co_calls", "default_aggregation": {"formula": "sum"}}
    )
    product = v1.products.create({"name": "Calls"})
    metered = v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 3,
            "currency_options": {"eur": {"unit_amount": 4}},
            "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        }
    )
    base = priced(shared, 1000, currency_options={"eur": {"unit_amount": 1100}})
    items: Any = [{"price": base, "quantity": 1}, {"price": metered.id}]
    session = session_for(shared, "subscription", line_items=items, currency="eur")
    assert (session.currency, session.amount_total) == ("eur", 1100)
    shown = text_of(opened(session))
    assert "Billed by usage" in shown
    assert "Pay €11.00" in shown
    settle(shared, session.id)
    done = read(shared, session.id, "invoice", "subscription")
    assert (done.invoice.currency, done.invoice.total, done.subscription.currency) == ("eur", 1100, "eur")
    with pytest.raises(stripe.InvalidRequestError, match="Quantity should not be specified"):
        session_for(shared, "subscription", line_items=[{"price": metered.id, "quantity": 1}])
    with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
        session_for(shared, "subscription", base, customer=done.customer)


def test_credit_lowers_what_is_due(shared: Sandbox) -> None:
    customer = shared.client.v1.customers.create({"email": "credit@example.com", "balance": -900})
    session = session_for(shared, "subscription", priced(shared), customer=customer.id)
    assert session.amount_total == 2900
    shown = text_of(opened(session))
    assert "Credit applied −$9.00" in shown
    assert "Pay $20.00" in shown
    settle(shared, session.id)
    invoice: Any = read(shared, session.id, "invoice").invoice
    assert (invoice.total, invoice.amount_paid, invoice.ending_balance) == (2900, 2000, 0)


@pytest.mark.parametrize(
    ("mode", "change", "param"),
    [
        ("payment", {"subscription_data": {"trial_period_days": 3}}, "subscription_data"),
        ("payment", {"payment_method_collection": "always"}, "payment_method_collection"),
        ("payment", {"submit_type": "subscribe"}, "submit_type"),
        ("payment", {"expires_at": 5}, "expires_at"),
        ("payment", {"custom_fields": [{"key": "a b", "type": "text", "label": {"type": "custom", "custom": "A"}}]},
         "custom_fields[0][key]"),
        ("subscription", {"payment_intent_data": {"description": "x"}}, "payment_intent_data"),
        ("subscription", {"invoice_creation": {"enabled": True}}, "invoice_creation"),
        ("subscription", {"customer_creation": "always"}, "customer_creation"),
        ("subscription", {"submit_type": "donate"}, "submit_type"),
        ("subscription", {"subscription_data": {"trial_settings": {"end_behavior": {
            "missing_payment_method": "cancel"}}}}, "subscription_data[trial_settings]"),
        ("setup", {"allow_promotion_codes": True}, "allow_promotion_codes"),
        ("setup", {"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items"),
    ],
)  # fmt: skip
def test_what_a_mode_does_not_have(shared: Sandbox, mode: str, change: dict[str, Any], param: str) -> None:
    prices = [] if mode == "setup" else [priced(shared, 500, recurring=mode == "subscription")]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        session_for(shared, mode, *prices, **change)
    assert caught.value.param == param


def test_other_sessions_that_stripe_would_refuse(shared: Sandbox) -> None:
    monthly, once = priced(shared), priced(shared, 500, recurring=False)
    with pytest.raises(stripe.InvalidRequestError, match="recurring price"):
        session_for(shared, "payment", monthly)
    with pytest.raises(stripe.InvalidRequestError, match=r"at least \$0\.50"):
        session_for(shared, "payment", priced(shared, 49, recurring=False))
    with pytest.raises(stripe.InvalidRequestError, match="currency"):
        shared.client.v1.checkout.sessions.create({"mode": "setup", "success_url": "http://127.0.0.1:9/"})
    with pytest.raises(stripe.InvalidRequestError, match="same currency"):
        session_for(shared, "payment", once, priced(shared, 500, recurring=False, currency="eur"))
    with pytest.raises(stripe.InvalidRequestError, match="sandbox does not model"):
        session_for(shared, "payment", once, ui_mode="elements")
    with pytest.raises(stripe.InvalidRequestError, match="No valid payment method types"):
        session_for(shared, "payment", once, allowed_payment_method_types=["sepa_debit"])
    updated = shared.client.v1.checkout.sessions.update(
        session_for(shared, "payment", once, metadata={"a": "1", "b": "2"}).id, {"metadata": {"a": "", "c": "3"}}
    )
    assert updated.metadata is not None
    assert updated.metadata.to_dict() == {"b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        (0, "This value must be greater than or equal to 1."),
        (-1, "This value must be greater than or equal to 1."),
        (1_000_000, "This value must be less than or equal to 999999."),
    ],
)
def test_a_quantity_out_of_range(shared: Sandbox, quantity: int, message: str) -> None:
    items: Any = [{"price": priced(shared), "quantity": quantity}]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        session_for(shared, "subscription", line_items=items)
    error: Any = caught.value
    assert (error.code, error.param) == ("parameter_invalid_integer", "line_items[0][quantity]")
    assert error.user_message == message


def test_a_trial_end_that_is_too_far_is_named(shared: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        session_for(shared, "subscription", priced(shared), subscription_data={"trial_end": 4102444800})
    assert caught.value.param == "subscription_data[trial_end]"
