"""Bank debits: processing for four banking days, then paid or failed; alone, for invoices, for subscriptions."""

from typing import Any

import pytest
import stripe

from sandbox.engine.business_days import after

from .conftest import Sandbox
from .money import ACCEPTED, BACK, DAY, MONDAY, advance, charge_of, clocked_customer, pay, told
from .support import product_with_price

FRIDAY = MONDAY + 4 * DAY


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [(MONDAY, 4, MONDAY + 4 * DAY), (FRIDAY, 1, FRIDAY + 3 * DAY), (FRIDAY, 4, FRIDAY + 6 * DAY), (MONDAY, 0, MONDAY)],
)
def test_banking_days(start: int, days: int, end: int) -> None:
    assert after(start, days) == end
    assert after(FRIDAY + DAY, 1) == FRIDAY + 3 * DAY


@pytest.mark.parametrize("method", ["pm_usBankAccount_success", "pm_sepaDebit_success_at", "pm_sepaDebit"])
def test_a_debit_succeeds_after_days(shared: Sandbox, method: str) -> None:
    clock, customer = clocked_customer(shared, FRIDAY)
    intent = pay(shared, method, customer=customer.id)
    assert (intent.status, intent.amount_received, intent.processing) == ("processing", 0, None)
    charge = charge_of(shared, intent)
    assert (charge.status, charge.paid, charge.balance_transaction) == ("pending", False, None)
    details: Any = charge.payment_method_details
    assert details[details.type].expected_debit_date == "2026-06-11"
    assert details[details.type].mandate is not None
    advance(shared, clock, FRIDAY + 6 * DAY - 1)
    assert shared.client.v1.payment_intents.retrieve(intent.id).status == "processing"
    advance(shared, clock, FRIDAY + 6 * DAY)
    intent = shared.client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    charge = charge_of(shared, intent)
    assert (charge.status, charge.paid) == ("succeeded", True)
    assert charge.balance_transaction is not None
    assert told(shared, charge.id) == ["charge.pending", "charge.succeeded"]
    assert told(shared, intent.id) == [
        "payment_intent.created",
        "payment_intent.processing",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_usBankAccount_accountClosed", "account_closed"),
        ("pm_usBankAccount_noAccount", "no_account"),
        ("pm_usBankAccount_insufficientFunds", "insufficient_funds"),
        ("pm_usBankAccount_debitNotAuthorized", "debit_not_authorized"),
        ("pm_sepaDebit_insufficientFunds_fr", "insufficient_funds"),
        ("pm_sepaDebit_failed_be", "payment_method_provider_decline"),
    ],
)
def test_a_debit_fails_after_days(shared: Sandbox, method: str, code: str) -> None:
    clock, customer = clocked_customer(shared)
    intent = pay(shared, method, customer=customer.id)
    assert intent.status == "processing"
    advance(shared, clock, MONDAY + 4 * DAY)
    intent = shared.client.v1.payment_intents.retrieve(intent.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    charge = charge_of(shared, intent)
    assert (charge.status, charge.failure_code, charge.balance_transaction) == ("failed", code, None)
    assert told(shared, charge.id) == ["charge.pending", "charge.failed"]
    assert told(shared, intent.id)[-1] == "payment_intent.payment_failed"


def test_a_debit_that_never_ends_can_be_given_up(shared: Sandbox) -> None:
    clock, customer = clocked_customer(shared)
    intent = pay(shared, "pm_usBankAccount_processing", customer=customer.id)
    advance(shared, clock, MONDAY + 60 * DAY)
    api = shared.client.v1.payment_intents
    assert api.retrieve(intent.id).status == "processing"
    assert api.cancel(intent.id).status == "canceled"
    assert charge_of(shared, intent).status == "failed"


def test_accounts_by_their_numbers(shared: Sandbox) -> None:
    v1 = shared.client.v1
    details: Any = {"account_holder_type": "company", "account_number": "000123456789", "routing_number": "110000000"}
    params: Any = {"type": "us_bank_account", "us_bank_account": details, "billing_details": {"name": "Ada"}}
    method = v1.payment_methods.create(params)
    account: Any = method.us_bank_account
    assert (account.last4, account.account_holder_type, account.routing_number) == ("6789", "company", "110000000")
    iban: Any = {
        "type": "sepa_debit",
        "sepa_debit": {"iban": "FR14 2004 1010 0505 0001 3M02 606"},
        "billing_details": {"name": "Ada", "email": "ada@example.com"},
    }
    debit: Any = v1.payment_methods.create(iban).sepa_debit
    assert (debit.country, debit.bank_code, debit.branch_code, debit.last4) == ("FR", "20041", "01005", "2606")
    wrong: list[tuple[Any, str]] = [
        ({**params, "us_bank_account": {**details, "account_number": "000123456780"}}, "account_number_invalid"),
        ({**params, "us_bank_account": {**details, "routing_number": "111000025"}}, "routing_number_invalid"),
        ({**params, "billing_details": {}}, "parameter_missing"),
        ({**iban, "sepa_debit": {"iban": "FR1420041010050500013M02607"}}, "invalid_bank_account_iban"),
        ({**iban, "sepa_debit": {"iban": "NL91ABNA0417164300"}}, "account_number_invalid"),
    ]
    for given, code in wrong:
        with pytest.raises(stripe.InvalidRequestError) as error:
            v1.payment_methods.create(given)
        assert error.value.code == code
    assert v1.payment_methods.retrieve("pm_usBankAccount_success").type == "us_bank_account"


def test_a_debit_wants_a_mandate_and_its_currency(shared: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        pay(shared, "pm_usBankAccount_success", mandate_data="")
    assert error.value.code == "payment_intent_mandate_invalid"
    with pytest.raises(stripe.InvalidRequestError) as error:
        pay(shared, "pm_usBankAccount_success", currency="eur")
    assert error.value.code == "payment_intent_incompatible_payment_method"
    inline: Any = {"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}}
    inline["billing_details"] = {"name": "Ada", "email": "ada@example.com"}
    params: Any = {
        "amount": 700,
        "currency": "eur",
        "payment_method_data": inline,
        "mandate_data": ACCEPTED,
        "confirm": True,
        "return_url": BACK,
    }
    intent = shared.client.v1.payment_intents.create(params)
    details: Any = charge_of(shared, intent).payment_method_details
    mandate: Any = shared.client.v1.mandates.retrieve(details.sepa_debit.mandate)
    assert (mandate.type, mandate.single_use.amount) == ("single_use", 700)


def subscribed(sandbox: Sandbox, customer: str, method: str) -> tuple[stripe.Subscription, str]:
    attached = sandbox.client.v1.payment_methods.attach(method, {"customer": customer})
    _, price = product_with_price(sandbox, 2900)
    params: Any = {"customer": customer, "items": [{"price": price.id}], "default_payment_method": attached.id}
    subscription = sandbox.client.v1.subscriptions.create(params)
    return subscription, str(subscription.latest_invoice)


def test_a_subscription_is_active_while_its_first_debit_is_on_its_way(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    subscription, invoice_id = subscribed(shared, customer.id, "pm_usBankAccount_success")
    assert subscription.status == "active"
    invoice = v1.invoices.retrieve(invoice_id)
    assert (invoice.status, invoice.attempted, invoice.attempt_count, invoice.next_payment_attempt) == (
        "open",
        True,
        1,
        None,
    )
    with pytest.raises(stripe.InvalidRequestError, match="processing"):
        v1.invoices.pay(invoice_id)
    advance(shared, clock, MONDAY + 4 * DAY)
    invoice = v1.invoices.retrieve(invoice_id)
    assert (invoice.status, invoice.attempt_count, invoice.amount_paid) == ("paid", 1, 2900)
    assert invoice.status_transitions.paid_at == MONDAY + 4 * DAY
    assert v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_failed_first_debit_makes_the_subscription_past_due(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    subscription, invoice_id = subscribed(shared, customer.id, "pm_usBankAccount_insufficientFunds")
    assert subscription.status == "active"
    advance(shared, clock, MONDAY + 4 * DAY)
    invoice = v1.invoices.retrieve(invoice_id)
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    assert invoice.next_payment_attempt is not None
    assert v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert "invoice.payment_failed" in told(shared, invoice_id)
    card = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert v1.invoices.pay(invoice_id, {"payment_method": card.id}).status == "paid"
    assert v1.subscriptions.retrieve(subscription.id).status == "active"


def test_renewals_by_debit_take_their_days(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock, customer = clocked_customer(shared)
    subscription, _ = subscribed(shared, customer.id, "pm_usBankAccount_success")
    advance(shared, clock, MONDAY + 40 * DAY)
    invoices = v1.invoices.list({"subscription": subscription.id}).data
    assert [(invoice.status, invoice.billing_reason) for invoice in invoices] == [
        ("paid", "subscription_cycle"),
        ("paid", "subscription_create"),
    ]
    finalized, paid = invoices[0].status_transitions.finalized_at, invoices[0].status_transitions.paid_at
    assert finalized is not None
    assert paid == after(finalized, 4)
