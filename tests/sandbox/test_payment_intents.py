"""Payment intents as a shop's server drives them: making, confirming, holding, capturing, giving up."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import BACK, DAY, MONDAY, advance, charge_of, clocked_customer, pay, refusal, told


def test_a_plain_intent_takes_what_fits_its_currency(shared: Sandbox) -> None:
    api = shared.client.v1.payment_intents
    intent = api.create({"amount": 1099, "currency": "usd", "metadata": {"order": "7"}})
    assert (intent.status, intent.capture_method, intent.confirmation_method) == (
        "requires_payment_method",
        "automatic_async",
        "automatic",
    )
    assert intent.automatic_payment_methods is not None
    assert intent.automatic_payment_methods.to_dict() == {"allow_redirects": "always", "enabled": True}
    assert intent.payment_method_types == ["card", "us_bank_account", "paypal"]
    assert str(intent.client_secret).startswith(f"{intent.id}_secret_")
    assert api.create({"amount": 1099, "currency": "eur"}).payment_method_types == ["card", "sepa_debit", "paypal"]
    without: Any = {"amount": 1099, "currency": "eur", "excluded_payment_method_types": ["paypal"]}
    assert api.create(without).payment_method_types == ["card", "sepa_debit"]
    only: Any = {"amount": 1099, "currency": "usd", "allowed_payment_method_types": ["card"]}
    narrow = api.create(only)
    assert (narrow.payment_method_types, narrow.automatic_payment_methods) == (["card"], None)
    assert told(shared, intent.id) == ["payment_intent.created"]


def test_a_card_pays_at_once(shared: Sandbox) -> None:
    intent = pay(shared, description="Order 7", metadata={"order": "7"})
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    charge = charge_of(shared, intent)
    assert (charge.status, charge.captured, charge.paid, charge.amount_captured) == ("succeeded", True, True, 1000)
    assert (charge.description, charge.metadata["order"]) == ("Order 7", "7")
    assert told(shared, intent.id) == ["payment_intent.created", "payment_intent.succeeded"]
    assert told(shared, charge.id) == ["charge.succeeded"]


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (0, "usd", "parameter_invalid_integer"),
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
    ],
)
def test_amounts_have_limits(shared: Sandbox, amount: int, currency: str, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        shared.client.v1.payment_intents.create({"amount": amount, "currency": currency})
    assert (error.value.code, error.value.param) == (code, "amount")


def test_a_server_that_confirms_names_where_the_payer_comes_back(shared: Sandbox) -> None:
    params: Any = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    with pytest.raises(stripe.InvalidRequestError) as error:
        shared.client.v1.payment_intents.create(params)
    assert error.value.param == "return_url"
    params["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "never"}
    intent = shared.client.v1.payment_intents.create(params)
    assert (intent.status, intent.payment_method_types) == ("succeeded", ["card", "us_bank_account"])
    with pytest.raises(stripe.InvalidRequestError, match="confirm=true"):
        shared.client.v1.payment_intents.create({"amount": 1000, "currency": "usd", "return_url": BACK})


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ],
)
def test_a_refused_card_leaves_the_intent_and_its_failed_charge(
    shared: Sandbox, method: str, code: str, decline_code: str
) -> None:
    with pytest.raises(stripe.CardError) as error:
        pay(shared, method)
    told_so = refusal(error.value)
    assert (error.value.http_status, told_so["code"], told_so["decline_code"]) == (402, code, decline_code)
    intent = shared.client.v1.payment_intents.retrieve(told_so["payment_intent"]["id"])
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_payment_error is not None
    assert (intent.last_payment_error.code, intent.last_payment_error.charge) == (code, told_so["charge"])
    charge = charge_of(shared, intent)
    assert (charge.id, charge.status, charge.failure_code) == (told_so["charge"], "failed", code)
    assert told(shared, intent.id) == ["payment_intent.created", "payment_intent.payment_failed"]
    again = shared.client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "return_url": BACK})
    assert (again.status, again.last_payment_error) == ("succeeded", None)
    assert len(shared.client.v1.charges.list({"payment_intent": intent.id}).data) == 2


def test_confirming_says_what_is_missing_or_over(shared: Sandbox) -> None:
    v1 = shared.client.v1
    bare = v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method") as error:
        v1.payment_intents.confirm(bare.id)
    assert error.value.code == "payment_intent_unexpected_state"
    assert refusal(error.value)["payment_intent"]["id"] == bare.id
    customer = v1.customers.create({})
    of_customer = v1.payment_intents.create({"amount": 1000, "currency": "usd", "customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match=customer.id):
        v1.payment_intents.confirm(of_customer.id)
    paid = pay(shared)
    for call in (v1.payment_intents.confirm, v1.payment_intents.cancel, v1.payment_intents.capture):
        with pytest.raises(stripe.InvalidRequestError) as error:
            call(paid.id)
        assert error.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded"):
        v1.payment_intents.confirm(paid.id)


def test_methods_belong_to_somebody(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, other = v1.customers.create({}), v1.customers.create({})
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match="does not belong to the Customer"):
        pay(shared, method.id, customer=other.id)
    with pytest.raises(stripe.InvalidRequestError, match="Please include the Customer"):
        pay(shared, method.id)
    assert pay(shared, method.id, customer=customer.id).customer == customer.id
    once = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    assert pay(shared, once.id).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        pay(shared, once.id)
    kept = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    pay(shared, kept.id, customer=customer.id, setup_future_usage="off_session")
    assert v1.payment_methods.retrieve(kept.id).customer == customer.id
    assert told(shared, kept.id) == ["payment_method.attached"]


def test_an_intent_is_changed_before_it_is_paid(shared: Sandbox) -> None:
    api = shared.client.v1.payment_intents
    intent = api.create({"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa"})
    assert intent.status == "requires_confirmation"
    changed = api.update(intent.id, {"amount": 2000, "description": "twice", "metadata": {"a": "b"}})
    assert (changed.amount, changed.description, changed.metadata["a"]) == (2000, "twice", "b")
    changed = api.update(intent.id, {"currency": "eur"})
    assert changed.payment_method_types == ["card", "sepa_debit", "paypal"]
    paid = api.confirm(intent.id, {"return_url": BACK})
    assert (paid.amount_received, paid.currency) == (2000, "eur")
    with pytest.raises(stripe.InvalidRequestError, match="amount could not be updated") as error:
        api.update(intent.id, {"amount": 1})
    assert (error.value.code, error.value.param) == ("payment_intent_unexpected_state", "amount")
    assert api.update(intent.id, {"description": "paid"}).description == "paid"


def test_a_held_amount_is_captured_in_part(shared: Sandbox) -> None:
    api = shared.client.v1.payment_intents
    held = pay(shared, capture_method="manual")
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 1000, 0)
    charge = charge_of(shared, held)
    assert (charge.captured, charge.paid, charge.balance_transaction) == (False, True, None)
    details: Any = charge.payment_method_details
    assert details.card.capture_before == charge.created + 7 * DAY
    with pytest.raises(stripe.InvalidRequestError) as error:
        api.capture(held.id, {"amount_to_capture": 1001})
    assert error.value.code == "amount_too_large"
    taken = api.capture(held.id, {"amount_to_capture": 600})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 600, 0)
    charge = charge_of(shared, held)
    assert (charge.amount_captured, charge.amount_refunded, charge.refunded) == (600, 400, False)
    assert told(shared, held.id) == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]
    assert told(shared, charge.id) == ["charge.succeeded", "charge.captured"]
    with pytest.raises(stripe.InvalidRequestError, match="has already been captured"):
        shared.client.v1.charges.capture(charge.id)


def test_a_held_amount_is_let_go(shared: Sandbox) -> None:
    api = shared.client.v1.payment_intents
    held = pay(shared, payment_method_options={"card": {"capture_method": "manual"}})
    with pytest.raises(stripe.InvalidRequestError, match="capture the PaymentIntent instead"):
        shared.client.v1.charges.capture(str(held.latest_charge))
    canceled = api.cancel(held.id, {"cancellation_reason": "requested_by_customer"})
    assert (canceled.status, canceled.cancellation_reason, canceled.amount_capturable) == (
        "canceled",
        "requested_by_customer",
        0,
    )
    charge = charge_of(shared, held)
    assert (charge.refunded, charge.amount_refunded, charge.amount_captured) == (True, 1000, 0)
    assert told(shared, charge.id) == ["charge.succeeded", "charge.refunded"]


def test_nobody_captures_for_a_week(shared: Sandbox) -> None:
    clock, customer = clocked_customer(shared)
    held = pay(shared, capture_method="manual", customer=customer.id)
    advance(shared, clock, MONDAY + 7 * DAY - 1)
    assert shared.client.v1.payment_intents.retrieve(held.id).status == "requires_capture"
    advance(shared, clock, MONDAY + 7 * DAY)
    over = shared.client.v1.payment_intents.retrieve(held.id)
    assert (over.status, over.cancellation_reason, over.canceled_at) == ("canceled", "automatic", MONDAY + 7 * DAY)
    assert told(shared, str(held.latest_charge)) == ["charge.succeeded", "charge.refunded", "charge.expired"]
    refund = shared.client.v1.refunds.list({"charge": str(held.latest_charge)}).data[0]
    assert refund.reason == "expired_uncaptured_charge"


def test_three_d_secure_asks_the_payer(shared: Sandbox) -> None:
    intent = pay(shared, "pm_card_authenticationRequired")
    assert (intent.status, intent.next_action and intent.next_action.type) == ("requires_action", "redirect_to_url")
    assert intent.latest_charge is None
    shared.control(f"intents/{intent.id}/answer", {"result": "complete"})
    done = shared.client.v1.payment_intents.retrieve(intent.id)
    assert (done.status, done.next_action) == ("succeeded", None)
    details: Any = charge_of(shared, done).payment_method_details
    assert details.card.three_d_secure.result == "authenticated"
    assert told(shared, intent.id) == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    ]
    failed = pay(shared, "pm_card_threeDSecure2Required")
    shared.control(f"intents/{failed.id}/answer", {"result": "fail"})
    failed = shared.client.v1.payment_intents.retrieve(failed.id)
    assert failed.last_payment_error is not None
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    wished = pay(shared, payment_method_options={"card": {"request_three_d_secure": "any"}})
    assert wished.status == "requires_action"


def test_off_session_nobody_can_be_asked(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    method = v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as error:
        pay(shared, method.id, customer=customer.id, off_session=True)
    assert (error.value.code, refusal(error.value)["decline_code"]) == ("authentication_required",) * 2
    intent = v1.payment_intents.retrieve(refusal(error.value)["payment_intent"]["id"])
    assert intent.status == "requires_payment_method"
    ready = v1.payment_methods.attach("pm_card_authenticationRequiredSetupForOffSession", {"customer": customer.id})
    assert pay(shared, ready.id, customer=customer.id, off_session=True).status == "succeeded"
    assert pay(shared, ready.id, customer=customer.id).status == "requires_action"
    with pytest.raises(stripe.CardError):
        pay(shared, "pm_card_authenticationRequired", error_on_requires_action=True)


def test_a_card_that_was_set_up_is_not_asked_again_off_session(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    method = v1.payment_methods.attach("pm_card_authenticationRequiredOnSetup", {"customer": customer.id})
    with pytest.raises(stripe.CardError):
        pay(shared, method.id, customer=customer.id, off_session=True)
    first = pay(shared, method.id, customer=customer.id, setup_future_usage="off_session")
    shared.control(f"intents/{first.id}/answer", {"result": "complete"})
    assert pay(shared, method.id, customer=customer.id, off_session=True).status == "succeeded"
    assert pay(shared, method.id, customer=customer.id).status == "requires_action"


def test_manual_confirmation_wants_the_server_once_more(shared: Sandbox) -> None:
    intent = pay(shared, "pm_card_authenticationRequired", confirmation_method="manual")
    shared.control(f"intents/{intent.id}/answer", {"result": "complete"})
    api = shared.client.v1.payment_intents
    assert api.retrieve(intent.id).status == "requires_confirmation"
    assert api.confirm(intent.id, {"return_url": BACK}).status == "succeeded"


def test_paypal_sends_the_payer_away(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    method = v1.payment_methods.create({"type": "paypal", "billing_details": {"email": "ada@example.com"}})
    with pytest.raises(stripe.InvalidRequestError, match="payer approved"):
        v1.payment_methods.attach(method.id, {"customer": customer.id})
    intent = pay(shared, method.id, customer=customer.id, setup_future_usage="off_session")
    assert intent.status == "requires_action"
    shared.control(f"intents/{intent.id}/answer", {"result": "complete"})
    charge = charge_of(shared, v1.payment_intents.retrieve(intent.id))
    details: Any = charge.payment_method_details
    assert (charge.status, details.type, details.paypal.payer_email) == ("succeeded", "paypal", "ada@example.com")
    assert charge.id.startswith("py_")
    assert pay(shared, method.id, customer=customer.id, off_session=True).status == "succeeded"
    refused = pay(shared, v1.payment_methods.create({"type": "paypal"}).id)
    shared.control(f"intents/{refused.id}/answer", {"result": "fail"})
    refused = v1.payment_intents.retrieve(refused.id)
    assert refused.last_payment_error is not None
    assert (refused.status, refused.last_payment_error.code) == (
        "requires_payment_method",
        "payment_method_customer_decline",
    )


def test_lists_and_missing_intents(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    made = [
        v1.payment_intents.create({"amount": 100 + n, "currency": "usd", "customer": customer.id}) for n in range(3)
    ]
    found = v1.payment_intents.list({"customer": customer.id})
    assert [intent.id for intent in found.data] == [intent.id for intent in made][::-1]
    assert v1.payment_intents.list({"customer": customer.id, "created": {"gt": made[-1].created + 5}}).data == []
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.payment_intents.retrieve("pi_none")
    assert (error.value.http_status, error.value.code) == (404, "resource_missing")


def test_an_intent_of_an_invoice_pays_the_invoice(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    v1.invoice_items.create({"customer": customer.id, "amount": 1500, "currency": "usd"})
    params: Any = {"customer": customer.id, "pending_invoice_items_behavior": "include"}
    invoice = v1.invoices.finalize_invoice(v1.invoices.create(params).id)
    payment: Any = v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    intent_id = payment.payment.payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="void the invoice"):
        v1.payment_intents.cancel(intent_id)
    paid = v1.payment_intents.confirm(intent_id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"
    assert (v1.invoices.retrieve(invoice.id).status, paid.amount) == ("paid", 1500)
