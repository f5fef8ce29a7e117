"""Paying an open invoice by hand: lost answers, double clicks, and what happened at Stripe meanwhile."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from portal import failpoints, tenancy
from portal.billing import collection
from portal.extensions import db
from portal.gateway.errors import PaymentServiceUnavailable
from portal.gateway.inbox import want
from portal.models import CollectionAttempt, Customer, Invoice, PaymentMethod
from tests.support import database
from tests.support.sandbox import Sandbox
from tests.support.shopping import ACTOR, buy, make_tenant

pytestmark = [pytest.mark.usefixtures("web", "pdf")]


@pytest.fixture(name="owing")
def fixture_owing(web, stripe_sandbox: Sandbox, drain: Callable[[], int], post) -> UUID:
    """A tenant with a good card and an open invoice of 5.00 USD."""
    tenant_id = make_tenant()
    buy(tenant_id, stripe_sandbox, drain)
    with tenancy.bound(tenant_id):
        customer = str(db.session.get_one(Customer, tenant_id).stripe_customer_id)
    post("invoiceitems", customer=customer, amount=500, currency="usd")
    invoice = post("invoices", customer=customer, auto_advance="false", pending_invoice_items_behavior="include")
    post(f"invoices/{invoice['id']}/finalize", auto_advance="false")
    with tenancy.bound(tenant_id):
        want(invoice["id"], "invoice")
        db.session.commit()
    drain()
    return tenant_id


def pay(tenant_id: UUID, expected_minor: int = 500) -> CollectionAttempt:
    with tenancy.bound(tenant_id):
        invoice = db.session.scalars(select(Invoice).where(Invoice.total_minor == 500)).one()
        method = db.session.scalars(select(PaymentMethod)).one()
        return collection.pay(invoice.id, method.id, makes_default=False, expected_minor=expected_minor, actor=ACTOR)


def attempts(tenant_id: UUID) -> list[CollectionAttempt]:
    with tenancy.bound(tenant_id):
        return list(db.session.scalars(select(CollectionAttempt)))


def charges(sandbox: Sandbox, tenant_id: UUID) -> int:
    """How many charges over 5.00 USD the tenant has at Stripe."""
    with tenancy.bound(tenant_id):
        customer = str(db.session.get_one(Customer, tenant_id).stripe_customer_id)
    return len([each for each in sandbox.listed("charges", customer=customer) if each["amount"] == 500])


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_lost_answer_charges_once(owing: UUID, stripe_sandbox: Sandbox, drain: Callable[[], int], moment: str):
    """It is unknown whether Stripe did it: the worker asks again with the same key, a second click starts nothing."""
    failpoints.arm(f"stripe.portal.billing.collection_works._ask:{moment}=raise")
    try:
        with pytest.raises(PaymentServiceUnavailable):
            pay(owing)
        assert pay(owing).state == "started"
    finally:
        failpoints.arm("")
    drain()
    assert [made.state for made in attempts(owing)] == ["paid"]
    assert charges(stripe_sandbox, owing) == 1
    with pytest.raises(collection.NothingToPay):
        pay(owing)


def test_paid_at_stripe_meanwhile(owing: UUID, stripe_sandbox: Sandbox, drain: Callable[[], int], post):
    """Our row still says open: Stripe says that it is paid, and nothing is charged twice."""
    with tenancy.bound(owing):
        invoice = db.session.scalars(select(Invoice).where(Invoice.total_minor == 500)).one()
        method = db.session.scalars(select(PaymentMethod)).one()
    post(f"invoices/{invoice.stripe_invoice_id}/pay", payment_method=method.stripe_payment_method_id)
    assert pay(owing).state == "paid"
    drain()
    assert charges(stripe_sandbox, owing) == 1


def test_voided_at_stripe_meanwhile(owing: UUID, drain: Callable[[], int], post):
    with tenancy.bound(owing):
        invoice = db.session.scalars(select(Invoice).where(Invoice.total_minor == 500)).one()
    post(f"invoices/{invoice.stripe_invoice_id}/void")
    assert pay(owing).state == "refused"
    drain()
    with pytest.raises(collection.NothingToPay):
        pay(owing)


def test_another_amount_than_shown_is_not_charged(owing: UUID, stripe_sandbox: Sandbox):
    with pytest.raises(collection.AmountMoved):
        pay(owing, 499)
    assert attempts(owing) == []
    assert charges(stripe_sandbox, owing) == 0


@pytest.mark.parametrize(("moment", "state", "charged"), [("before", "refused", 0), ("after", "paid", 1)])
def test_a_try_that_nobody_could_make_for_a_day_is_over(
    owing: UUID, stripe_sandbox: Sandbox, drain: Callable[[], int], settings, moment: str, state: str, charged: int
):
    """Stripe has forgotten its key: what was charged is found, what was not is not charged a day late."""
    failpoints.arm(f"stripe.portal.billing.collection_works._ask:{moment}=raise")
    try:
        with pytest.raises(PaymentServiceUnavailable):
            pay(owing)
    finally:
        failpoints.arm("")
    database.as_owner(settings, "UPDATE collection_attempts SET created_at = created_at - interval '1 day'")
    database.let_time_pass(settings)
    stripe_sandbox.forget("keys")
    drain()
    assert [made.state for made in attempts(owing)] == [state]
    assert charges(stripe_sandbox, owing) == charged
