"""Failed payments: when they are tried again, what that does to the subscription, and how it ends."""

from typing import Any

import pytest
import requests
import stripe

from .conftest import Sandbox
from .support import product_with_price
from .timing import DAY, START, advance, at, clock_at, clocked_customer, told

HOUR = 3600
RENEWAL = at(2026, 2, 1)
TRIED = RENEWAL + HOUR
RETRY_DAYS = [1, 2, 4, 6, 8, 10, 12, 14]


class Debtor:
    """A monthly subscription whose renewal of February 1 fails."""

    def __init__(self, sandbox: Sandbox, method: str = "pm_card_chargeCustomerFail") -> None:
        _, price = product_with_price(sandbox)
        self.sandbox = sandbox
        self.clock = clock_at(sandbox).id
        self.customer = clocked_customer(sandbox, self.clock)
        subscription = sandbox.client.v1.subscriptions.create(
            {"customer": self.customer, "items": [{"price": price.id}]}
        )
        self.id = subscription.id
        self.use(method)
        advance(sandbox, self.clock, TRIED)
        self.invoice_id = str(self.subscription.latest_invoice)

    @property
    def subscription(self) -> Any:
        return self.sandbox.client.v1.subscriptions.retrieve(self.id)

    @property
    def invoice(self) -> Any:
        return self.sandbox.client.v1.invoices.retrieve(self.invoice_id)

    def use(self, method: str) -> None:
        v1 = self.sandbox.client.v1
        attached = v1.payment_methods.attach(method, {"customer": self.customer})
        v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": attached.id}})

    def wait(self, to: int) -> None:
        advance(self.sandbox, self.clock, to)

    def charges(self) -> int:
        return len(self.sandbox.client.v1.charges.list({"customer": self.customer, "limit": 100}).data)


def test_a_failed_renewal_is_tried_again_and_then_canceled(sandbox: Sandbox) -> None:
    debtor = Debtor(sandbox)
    assert (debtor.subscription.status, debtor.invoice.attempt_count) == ("past_due", 1)
    assert debtor.invoice.next_payment_attempt == TRIED + DAY
    assert sandbox.client.v1.customers.retrieve(debtor.customer).delinquent is True
    for number, days in enumerate(RETRY_DAYS[:-1], start=1):
        debtor.wait(TRIED + days * DAY)
        ahead = TRIED + RETRY_DAYS[number] * DAY
        assert (debtor.invoice.attempt_count, debtor.invoice.next_payment_attempt) == (number + 1, ahead)
    debtor.wait(TRIED + 14 * DAY)
    gone = debtor.subscription
    assert (gone.status, gone.ended_at, gone.canceled_at) == ("canceled", TRIED + 14 * DAY, TRIED + 14 * DAY)
    assert gone.cancellation_details.reason == "payment_failed"
    left = debtor.invoice
    assert (left.status, left.attempt_count, left.next_payment_attempt, left.auto_advance) == ("open", 9, None, False)
    failures = [when for when, kind in told(sandbox, TRIED, "invoice.payment_failed")]
    assert failures == [days * DAY for days in (0, *RETRY_DAYS)]
    assert told(sandbox, TRIED, "customer.subscription") == [
        (0, "customer.subscription.updated"),
        (14 * DAY, "customer.subscription.deleted"),
    ]


def test_the_events_of_a_failed_renewal(sandbox: Sandbox) -> None:
    Debtor(sandbox)
    assert [kind for _, kind in told(sandbox, TRIED, "invoice", "charge", "payment_intent", "customer")] == [
        "payment_intent.created", "invoice.finalized", "charge.failed", "payment_intent.payment_failed",
        "invoice.updated", "invoice.payment_failed", "customer.updated", "customer.subscription.updated",
    ]  # fmt: skip


@pytest.mark.parametrize(("ending", "status"), [("unpaid", "unpaid"), ("past_due", "past_due")])
def test_other_ends(sandbox: Sandbox, ending: str, status: str) -> None:
    sandbox.control("settings", {"after_final_failure": ending})
    debtor = Debtor(sandbox)
    debtor.wait(TRIED + 14 * DAY)
    assert (debtor.subscription.status, debtor.invoice.next_payment_attempt) == (status, None)
    debtor.use("pm_card_visa")
    debtor.wait(at(2026, 3, 2))
    later = sandbox.client.v1.invoices.retrieve(str(debtor.subscription.latest_invoice))
    if ending == "past_due":
        assert (later.status, debtor.subscription.status) == ("paid", "active")
        return
    assert (later.status, later.auto_advance, debtor.subscription.status) == ("draft", False, "unpaid")
    sandbox.client.v1.invoices.pay(debtor.invoice_id)
    assert debtor.subscription.status == "unpaid"
    sandbox.client.v1.invoices.pay(later.id)
    assert debtor.subscription.status == "active"


def test_paying_brings_the_subscription_back(sandbox: Sandbox) -> None:
    debtor = Debtor(sandbox)
    debtor.use("pm_card_visa")
    debtor.wait(TRIED + DAY)
    assert (debtor.subscription.status, debtor.invoice.status, debtor.invoice.attempt_count) == ("active", "paid", 2)
    assert sandbox.client.v1.customers.retrieve(debtor.customer).delinquent is False
    again = Debtor(sandbox)
    with pytest.raises(stripe.CardError):
        sandbox.client.v1.invoices.pay(again.invoice_id)
    # Tries by hand after the first one are not counted and do not move the schedule.
    assert (again.invoice.attempt_count, again.invoice.next_payment_attempt) == (1, TRIED + DAY)
    sandbox.client.v1.invoices.mark_uncollectible(again.invoice_id)
    assert again.subscription.status == "active"


def test_voiding_the_invoice_brings_it_back_too(shared: Sandbox) -> None:
    debtor = Debtor(shared)
    shared.client.v1.invoices.void_invoice(debtor.invoice_id)
    assert debtor.subscription.status == "active"


def test_a_hard_decline_waits_for_another_method(sandbox: Sandbox) -> None:
    debtor = Debtor(sandbox, "pm_card_visa")
    assert debtor.subscription.status == "active"
    sandbox.control(f"customers/{debtor.customer}/fail_next_payment", {"decline_code": "stolen_card"})
    debtor.wait(at(2026, 3, 1) + HOUR)
    debtor.invoice_id = str(debtor.subscription.latest_invoice)
    tried, charges = at(2026, 3, 1) + HOUR, debtor.charges()
    assert debtor.subscription.status == "past_due"
    debtor.wait(tried + 4 * DAY)
    assert (debtor.charges(), debtor.invoice.attempt_count) == (charges, 4)
    debtor.use("pm_card_visa")
    debtor.wait(tried + 6 * DAY)
    assert (debtor.charges(), debtor.invoice.status) == (charges + 1, "paid")


def test_without_a_method_tries_are_counted_and_end_all_the_same(shared: Sandbox) -> None:
    debtor = Debtor(shared)
    method = shared.client.v1.customers.retrieve(debtor.customer).invoice_settings.default_payment_method
    shared.client.v1.payment_methods.detach(str(method))
    charges = debtor.charges()
    debtor.wait(TRIED + 14 * DAY)
    assert (debtor.charges(), debtor.invoice.attempt_count, debtor.subscription.status) == (charges, 9, "canceled")


def test_the_order_of_methods(shared: Sandbox) -> None:
    """The invoice's own, then the subscription's, then the customer's (stripe.md §5.4)."""
    debtor = Debtor(shared)
    v1 = shared.client.v1
    own = v1.payment_methods.attach("pm_card_mastercard", {"customer": debtor.customer})
    v1.subscriptions.update(debtor.id, {"default_payment_method": own.id})
    debtor.use("pm_card_amex")
    debtor.wait(TRIED + DAY)
    assert v1.charges.list({"customer": debtor.customer}).data[0].payment_method == own.id
    debtor.wait(at(2026, 3, 1))
    third = v1.payment_methods.attach("pm_card_visa", {"customer": debtor.customer})
    v1.invoices.update(str(debtor.subscription.latest_invoice), {"default_payment_method": third.id})
    debtor.wait(at(2026, 3, 1) + HOUR)
    assert v1.charges.list({"customer": debtor.customer}).data[0].payment_method == third.id


def test_planned_failures_and_their_refusals(sandbox: Sandbox) -> None:
    sandbox.control("settings", {"retry_days": [3]})
    debtor = Debtor(sandbox, "pm_card_visa")
    assert debtor.invoice.status == "paid"
    sandbox.control(f"customers/{debtor.customer}/fail_next_payment", {"times": 2})
    renewal = at(2026, 3, 1) + HOUR
    debtor.wait(renewal)
    assert debtor.subscription.status == "past_due"
    debtor.wait(renewal + 3 * DAY)
    assert debtor.subscription.status == "canceled"
    path = f"customers/{debtor.customer}/fail_next_payment"
    assert "decline_code is one of" in sandbox.control(path, {"decline_code": "no"}, status=400)["error"]
    sandbox.control("customers/cus_none/fail_next_payment", status=404)
    sandbox.control("settings", {"retry_days": [3, 1]}, status=400)
    sandbox.control("settings", {"after_final_failure": "explode"}, status=400)
    sandbox.control("settings", {"unknown": 1}, status=400)
    assert sandbox.look("settings")["retry_days"] == [3]


def test_a_first_invoice_is_paid_within_23_hours_or_never(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox).id
    customer = clocked_customer(sandbox, clock, "pm_card_chargeCustomerFail")
    params: Any = {"customer": customer, "items": [{"price": price.id}]}
    late = sandbox.client.v1.subscriptions.create(params)
    waiting = sandbox.client.v1.subscriptions.create({**params, "payment_behavior": "default_incomplete"})
    assert sandbox.client.v1.invoices.retrieve(str(late.latest_invoice)).next_payment_attempt is None
    advance(sandbox, clock, START + 23 * HOUR - 1)
    assert sandbox.client.v1.subscriptions.retrieve(late.id).status == "incomplete"
    good = sandbox.client.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    sandbox.client.v1.invoices.pay(str(waiting.latest_invoice), {"payment_method": good.id})
    advance(sandbox, clock, START + 23 * HOUR)
    expired = sandbox.client.v1.subscriptions.retrieve(late.id)
    assert (expired.status, expired.ended_at) == ("incomplete_expired", START + 23 * HOUR)
    assert sandbox.client.v1.invoices.retrieve(str(late.latest_invoice)).status == "void"
    assert sandbox.client.v1.subscriptions.retrieve(waiting.id).status == "active"
    assert ("customer.subscription.updated" in [k for w, k in told(sandbox, START + 23 * HOUR, "customer.")]) is True


def test_a_card_that_wants_the_payer_leaves_the_renewal_past_due(shared: Sandbox) -> None:
    debtor = Debtor(shared, "pm_card_authenticationRequired")
    assert (debtor.subscription.status, debtor.invoice.attempt_count) == ("past_due", 1)
    payments: Any = shared.client.v1.invoice_payments.list(
        {"invoice": debtor.invoice_id, "expand": ["data.payment.payment_intent"]}
    )
    intent = payments.data[0].payment.payment_intent
    assert intent.status == "requires_action"
    landed = requests.post(intent.next_action.redirect_to_url.url, data={"result": "complete"}, timeout=10)
    assert landed.status_code == 200
    assert (debtor.subscription.status, debtor.invoice.status, debtor.invoice.attempt_count) == ("active", "paid", 1)
