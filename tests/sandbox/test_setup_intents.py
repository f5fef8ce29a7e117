"""Setup intents: saving a method for later, and the tries it took."""

from typing import Any

import pytest
import requests
import stripe

from .conftest import Sandbox
from .money import ACCEPTED, BACK, pay, refusal, told


def save(sandbox: Sandbox, method: str, **more: Any) -> stripe.SetupIntent:
    params: Any = {"payment_method": method, "confirm": True, "return_url": BACK, **more}
    return sandbox.client.v1.setup_intents.create(params)


def test_a_card_is_saved_and_attached(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    bare = v1.setup_intents.create({"customer": customer.id, "description": "later"})
    assert (bare.status, bare.usage, bare.description) == ("requires_payment_method", "off_session", "later")
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method") as error:
        v1.setup_intents.confirm(bare.id)
    assert error.value.code == "setup_intent_unexpected_state"
    saved = v1.setup_intents.confirm(bare.id, {"payment_method": "pm_card_visa", "return_url": BACK})
    assert (saved.status, saved.mandate, saved.next_action) == ("succeeded", None, None)
    assert v1.payment_methods.retrieve(str(saved.payment_method)).customer == customer.id
    assert told(shared, saved.id) == ["setup_intent.created", "setup_intent.succeeded"]
    attempt = v1.setup_attempts.list({"setup_intent": saved.id}).data[0]
    assert (attempt.id, attempt.status) == (saved.latest_attempt, "succeeded")


def test_a_refused_card_is_not_saved(shared: Sandbox) -> None:
    with pytest.raises(stripe.CardError) as error:
        save(shared, "pm_card_visa_chargeDeclined")
    intent = shared.client.v1.setup_intents.retrieve(refusal(error.value)["setup_intent"]["id"])
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    assert intent.last_setup_error is not None
    assert (intent.last_setup_error.code, intent.last_setup_error.decline_code) == ("card_declined", "generic_decline")
    attempt = shared.client.v1.setup_attempts.list({"setup_intent": intent.id}).data[0]
    assert (attempt.status, attempt.setup_error and attempt.setup_error.code) == ("failed", "card_declined")
    assert told(shared, intent.id) == ["setup_intent.created", "setup_intent.setup_failed"]


@pytest.mark.parametrize(("result", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")])
def test_three_d_secure_asks_at_setup(shared: Sandbox, result: str, status: str) -> None:
    customer = shared.client.v1.customers.create({})
    intent = save(shared, "pm_card_authenticationRequiredOnSetup", customer=customer.id)
    assert intent.status == "requires_action"
    shared.control(f"intents/{intent.id}/answer", {"result": result})
    done = shared.client.v1.setup_intents.retrieve(intent.id)
    assert done.status == status
    if result == "complete":
        paid = pay(shared, str(done.payment_method), customer=customer.id, off_session=True)
        assert paid.status == "succeeded"
    else:
        assert done.last_setup_error is not None
        assert done.last_setup_error.code == "setup_intent_authentication_failure"


@pytest.mark.parametrize("method", ["pm_usBankAccount_success", "pm_sepaDebit_success_de"])
def test_a_bank_account_is_saved_with_a_mandate(shared: Sandbox, method: str) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError) as error:
        save(shared, method, customer=customer.id)
    assert error.value.code == "setup_intent_mandate_invalid"
    online: Any = {
        "customer_acceptance": {"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "tests"}}
    }
    saved = save(shared, method, customer=customer.id, mandate_data=online)
    mandate: Any = v1.mandates.retrieve(str(saved.mandate))
    assert (mandate.status, mandate.type, mandate.payment_method) == ("active", "multi_use", saved.payment_method)
    assert mandate.customer_acceptance.online.ip_address == "127.0.0.1"
    currency = "usd" if "us" in method[:6] else "eur"
    later = pay(shared, str(saved.payment_method), customer=customer.id, off_session=True, currency=currency)
    assert later.status == "processing"
    v1.payment_methods.detach(str(saved.payment_method))
    assert v1.mandates.retrieve(str(saved.mandate)).status == "inactive"
    assert told(shared, mandate.id) == ["mandate.updated"]


def test_paypal_is_saved_by_its_page(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    method = v1.payment_methods.create({"type": "paypal"})
    intent = save(shared, method.id, customer=customer.id)
    shared.control(f"intents/{intent.id}/answer", {"result": "complete"})
    done = v1.setup_intents.retrieve(intent.id)
    assert done.status == "succeeded"
    mandate: Any = v1.mandates.retrieve(str(done.mandate))
    assert mandate.payment_method_details.paypal.billing_agreement_id.startswith("B-")
    assert pay(shared, method.id, customer=customer.id, off_session=True).status == "succeeded"


def test_changing_and_giving_up(shared: Sandbox) -> None:
    v1 = shared.client.v1
    intent = v1.setup_intents.create({"payment_method": "pm_card_visa"})
    assert intent.status == "requires_confirmation"
    changed = v1.setup_intents.update(intent.id, {"metadata": {"a": "b"}})
    assert changed.metadata is not None
    assert changed.metadata["a"] == "b"
    canceled = v1.setup_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError, match="already canceled"):
        v1.setup_intents.cancel(intent.id)
    saved = save(shared, "pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError, match="has a status of succeeded"):
        v1.setup_intents.cancel(saved.id)
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded"):
        v1.setup_intents.confirm(saved.id, {"return_url": BACK})
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded"):
        v1.setup_intents.update(saved.id, {"payment_method": "pm_card_visa"})
    assert v1.setup_intents.update(saved.id, {"description": "saved"}).description == "saved"


def test_ownership_and_lists(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, other = v1.customers.create({}), v1.customers.create({})
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match="does not belong to the Customer"):
        v1.setup_intents.create({"customer": other.id, "payment_method": method.id})
    bare = v1.setup_intents.create({})
    with pytest.raises(stripe.InvalidRequestError, match="on the SetupIntent") as error:
        v1.setup_intents.update(bare.id, {"payment_method": method.id})
    assert refusal(error.value)["setup_intent"]["id"] == bare.id
    own = v1.setup_intents.create({"customer": customer.id, "payment_method": method.id})
    assert [found.id for found in v1.setup_intents.list({"customer": customer.id}).data] == [own.id]


def test_a_mandate_has_a_page(shared: Sandbox) -> None:
    saved = save(shared, "pm_sepaDebit_success_de", mandate_data=ACCEPTED)
    mandate: Any = shared.client.v1.mandates.retrieve(str(saved.mandate))
    details = mandate.payment_method_details.sepa_debit
    shown = requests.get(details.url, timeout=30)
    assert shown.status_code == 200
    assert details.reference in shown.text
    assert "3000" in shown.text
