"""Every supported call once, by the real SDK, against the contract."""

import time
from typing import Any

import pytest
import stripe

from sandbox.contract import load
from sandbox.wire.operations import VERBS

from . import money
from .conftest import Sandbox
from .support import customer_with_card, open_session, product_with_price

# This API version puts no discounts on customers, so there is never one to delete; charges belong to payment
# intents; no refund here asks its customer anything.
REFUSED = {"Customers.deleteDiscount": 404, "Charges.capture": 400, "Refunds.cancel": 400}


def test_every_supported_call_answers_by_the_contract(sandbox: Sandbox) -> None:
    """The sandbox checks each answer itself and would say 500; here every call is made once."""
    _tour(sandbox)
    contract = load()
    seen = set()
    for entry in sandbox.look("requests")["data"]:
        found = contract.match(entry["method"], entry["path"])
        assert found is not None
        assert entry["status"] == REFUSED.get(found[0].id, 200), entry
        seen.add(found[0].id)
    assert seen == set(VERBS)


def _tour(sandbox: Sandbox) -> None:
    product, price = product_with_price(sandbox)
    _catalogue(sandbox, product.id, price.id)
    _reductions(sandbox, product.id)
    customer, method = customer_with_card(sandbox)
    _people(sandbox, customer.id, method)
    _usage(sandbox, customer.id)
    _selling(sandbox, price.id, customer.id)
    _billing(sandbox, price.id, customer.id)
    _money(sandbox)
    money.tour(sandbox)
    _endpoints(sandbox)
    _searches(sandbox)
    _time(sandbox)
    sandbox.client.v1.payment_methods.detach(method)
    sandbox.client.v1.customers.delete(sandbox.client.v1.customers.create({}).id)


def _catalogue(sandbox: Sandbox, product: str, price: str) -> None:
    v1 = sandbox.client.v1
    v1.accounts.retrieve_current()
    v1.products.update(product, {"name": "Renamed"})
    v1.products.retrieve(product, {"expand": ["default_price"]})
    v1.products.list()
    v1.products.delete(v1.products.create({"name": "Gone"}).id)
    v1.prices.retrieve(price, {"expand": ["product", "currency_options"]})
    v1.prices.update(price, {"nickname": "monthly"})
    v1.prices.list()


def _reductions(sandbox: Sandbox, product: str) -> None:
    v1 = sandbox.client.v1
    coupon = v1.coupons.create({"percent_off": 25, "applies_to": {"products": [product]}})
    v1.coupons.update(coupon.id, {"name": "Quarter"})
    v1.coupons.retrieve(coupon.id, {"expand": ["applies_to"]})
    v1.coupons.list()
    code = v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    v1.promotion_codes.update(code.id, {"active": False})
    v1.promotion_codes.retrieve(code.id, {"expand": ["promotion.coupon", "restrictions.currency_options"]})
    v1.promotion_codes.list()
    v1.coupons.delete(coupon.id)
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 21, "inclusive": True})
    v1.tax_rates.update(rate.id, {"active": False})
    v1.tax_rates.retrieve(rate.id)
    v1.tax_rates.list()
    with pytest.raises(stripe.InvalidRequestError):
        v1.customers.delete_discount(v1.customers.create({}).id)


def _people(sandbox: Sandbox, customer: str, method: str) -> None:
    v1 = sandbox.client.v1
    v1.customers.retrieve(customer, {"expand": ["subscriptions", "sources", "tax_ids"]})
    v1.customers.list()
    v1.customers.payment_methods.list(customer)
    moved = v1.customers.balance_transactions.create(customer, {"amount": 1, "currency": "usd"})
    v1.customers.balance_transactions.create(customer, {"amount": -1, "currency": "usd"})
    v1.customers.balance_transactions.update(customer, moved.id, {"description": "tour"})
    v1.customers.balance_transactions.retrieve(customer, moved.id)
    v1.customers.balance_transactions.list(customer)
    item = v1.invoice_items.create({"customer": customer, "amount": 500, "currency": "usd"})
    v1.invoice_items.update(item.id, {"description": "Setup"})
    v1.invoice_items.retrieve(item.id)
    v1.invoice_items.list()
    v1.invoice_items.delete(item.id)
    v1.customers.payment_methods.retrieve(customer, method)
    v1.payment_methods.list({"customer": customer})
    tax_id = v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE123456789"})
    v1.customers.tax_ids.retrieve(customer, tax_id.id)
    v1.customers.tax_ids.list(customer)
    v1.customers.retrieve(customer, {"expand": ["tax_ids"]})
    v1.customers.tax_ids.delete(customer, tax_id.id)
    v1.payment_methods.retrieve("pm_card_visa")
    v1.payment_methods.update(method, {"billing_details": {"name": "Tour"}})
    v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})


def _usage(sandbox: Sandbox, customer: str) -> None:
    v1 = sandbox.client.v1
    params: Any = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    meter = v1.billing.meters.create(params)
    v1.billing.meters.update(meter.id, {"display_name": "API calls"})
    v1.billing.meters.retrieve(meter.id)
    v1.billing.meters.list()
    event: Any = {"event_name": "calls", "payload": {"stripe_customer_id": customer, "value": "3"}}
    identifier = v1.billing.meter_events.create(event).identifier
    v1.billing.meters.event_summaries.list(meter.id, {"customer": customer, "start_time": 0, "end_time": 60})
    v1.billing.meter_event_adjustments.create(
        {"event_name": "calls", "type": "cancel", "cancel": {"identifier": identifier}}
    )
    v1.billing.meters.deactivate(meter.id)
    v1.billing.meters.reactivate(meter.id)
    v1.billing.meter_events.create({**event, "event_name": "unknown"})
    sandbox.client.v2.core.events.retrieve(sandbox.client.v2.core.events.list().data[0].id)


def _selling(sandbox: Sandbox, price: str, customer: str) -> None:
    v1 = sandbox.client.v1
    session = open_session(sandbox, price, customer=customer)
    v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "total_details.breakdown"]})
    v1.checkout.sessions.update(session.id, {"metadata": {"a": "b"}})
    v1.checkout.sessions.list()
    v1.checkout.sessions.line_items.list(session.id)
    sandbox.control(f"checkout/{session.id}/pay", {"card": "4242424242424242"})
    v1.checkout.sessions.expire(open_session(sandbox, price).id)
    trial = open_session(sandbox, price, subscription_data={"trial_period_days": 3})
    sandbox.control(f"checkout/{trial.id}/pay", {"card": "4242424242424242"})
    paid: Any = v1.checkout.sessions.retrieve(session.id)
    v1.subscriptions.update(paid.subscription, {"metadata": {"a": "b"}})
    v1.subscriptions.retrieve(paid.subscription, {"expand": ["default_payment_method", "latest_invoice"]})
    v1.subscriptions.list()
    waiting: Any = {
        "customer": customer,
        "items": [{"price": price}],
        "payment_behavior": "default_incomplete",
    }
    v1.invoices.pay(str(v1.subscriptions.create(waiting).latest_invoice))
    voided = v1.subscriptions.create(waiting)
    v1.invoices.void_invoice(str(voided.latest_invoice))
    coupon = v1.coupons.create({"percent_off": 10, "duration": "forever"})
    v1.subscriptions.update(paid.subscription, {"discounts": [{"coupon": coupon.id}]})
    v1.subscriptions.delete_discount(paid.subscription)
    _changing(sandbox, paid.subscription, price)
    v1.subscriptions.cancel(paid.subscription)
    v1.invoices.retrieve(paid.invoice)
    v1.invoices.list()
    v1.invoices.line_items.list(paid.invoice)


def _changing(sandbox: Sandbox, subscription: str, price: str) -> None:
    v1 = sandbox.client.v1
    added = v1.subscription_items.create({"subscription": subscription, "price": price})
    v1.subscription_items.update(added.id, {"quantity": 2})
    v1.subscription_items.delete(added.id)
    v1.invoices.create_preview({"subscription": subscription, "expand": ["lines.data.pricing.price_details.price"]})
    schedule = v1.subscription_schedules.create({"from_subscription": subscription})
    v1.subscription_schedules.update(schedule.id, {"metadata": {"a": "b"}})
    v1.subscription_schedules.retrieve(schedule.id, {"expand": ["subscription", "phases.items.price"]})
    v1.subscriptions.retrieve(subscription, {"expand": ["schedule"]})
    v1.subscription_schedules.release(schedule.id)
    v1.subscription_schedules.list()
    customer = v1.customers.create({}).id
    later: Any = {
        "customer": customer,
        "start_date": int(time.time()) + 86400,
        "phases": [{"items": [{"price": price}]}],
    }
    v1.subscription_schedules.cancel(v1.subscription_schedules.create(later).id)


def _money(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    payment: Any = v1.invoice_payments.list({"status": "paid"}).data[0]
    v1.invoice_payments.retrieve(payment.id)
    v1.payment_intents.list()
    v1.payment_intents.retrieve(payment.payment.payment_intent, {"expand": ["latest_charge"]})
    charge = v1.charges.list().data[0]
    v1.charges.retrieve(charge.id, {"expand": ["refunds", "customer"]})
    refund = v1.refunds.create({"charge": charge.id})
    v1.refunds.retrieve(refund.id)
    v1.refunds.update(refund.id, {"metadata": {"a": "b"}})
    v1.refunds.list()
    v1.setup_intents.retrieve(v1.setup_intents.list().data[0].id)


def _time(sandbox: Sandbox) -> None:
    clocks = sandbox.client.v1.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": 1767225600})
    clocks.advance(clock.id, {"frozen_time": 1767225601})
    clocks.retrieve(clock.id)
    clocks.list()
    clocks.delete(clock.id)


def _billing(sandbox: Sandbox, price: str, customer: str) -> None:
    v1 = sandbox.client.v1
    subscription = v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})
    item = v1.subscription_items.list({"subscription": subscription.id}).data[0]
    v1.subscription_items.retrieve(item.id)
    v1.subscriptions.pause(subscription.id, {"bill_for": {"unused_time_from": {"type": "none"}}})
    v1.subscriptions.resume(subscription.id)
    draft = v1.invoices.create({"customer": customer})
    v1.invoices.update(draft.id, {"description": "by hand"})
    v1.invoices.add_lines(draft.id, {"lines": [{"amount": 700, "description": "Setup"}]})
    line = v1.invoices.line_items.list(draft.id).data[0].id
    v1.invoices.line_items.update(draft.id, line, {"amount": 800})
    v1.invoices.update_lines(draft.id, {"lines": [{"id": line, "quantity": 2}]})
    v1.invoices.remove_lines(draft.id, {"lines": [{"id": line, "behavior": "delete"}]})
    v1.invoices.delete(draft.id)
    sent = v1.invoices.create({"customer": customer, "collection_method": "send_invoice", "days_until_due": 3})
    v1.invoices.finalize_invoice(sent.id)
    v1.invoices.send_invoice(sent.id)
    waiting: Any = {"customer": customer, "items": [{"price": price}], "payment_behavior": "default_incomplete"}
    v1.invoices.mark_uncollectible(str(v1.subscriptions.create(waiting).latest_invoice))


def _searches(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    v1.charges.search({"query": "refunded:'true'"})
    v1.customers.search({"query": "created>0"})
    v1.invoices.search({"query": "total>0"})
    v1.payment_intents.search({"query": "amount>0"})
    v1.prices.search({"query": "active:'true'"})
    v1.products.search({"query": "active:'true'"})
    v1.subscriptions.search({"query": "created>0"})


def _endpoints(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    v1.events.retrieve(v1.events.list().data[0].id)
    endpoint = v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    v1.webhook_endpoints.retrieve(endpoint.id)
    v1.webhook_endpoints.list()
    v1.webhook_endpoints.delete(endpoint.id)
