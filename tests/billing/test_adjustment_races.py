"""Refunds that are sent twice at the same time: each goes back once. ``REFUNDS=500`` for the whole storm."""

import os
from itertools import count
from queue import Empty, Queue
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from portal import tenancy
from portal.billing import adjustments
from portal.billing.adjustment_errors import NothingLeft
from portal.billing.adjustments import Request
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.inbox import want
from portal.models import Adjustment, Customer, Payment, Refund
from tests.support import database, people
from tests.support.shopping import buy
from tests.support.threads import app_of, side_by_side

REFUNDS = int(os.environ.get("REFUNDS", "24"))
THREADS = 20


@pytest.fixture(name="keeper")
def fixture_keeper(web):
    return people.staff("finance").user_id


def bill(tenant, number: int) -> list[str]:
    """So many paid invoices of one dollar and some cents each, made at Stripe."""
    with tenancy.bound(tenant):
        customer = db.session.get_one(Customer, tenant).stripe_customer_id
    method = gateway().read(lambda s: s.v1.customers.payment_methods.list(customer)).data[0].id
    made = []
    for each in range(number):
        item = {"customer": customer, "amount": 100 + each, "currency": "usd"}
        gateway().write(lambda s: s.v1.invoice_items.create(item))  # noqa: B023
        options = {"customer": customer, "pending_invoice_items_behavior": "include", "auto_advance": False}
        options["default_payment_method"] = method
        invoice = gateway().write(lambda s: s.v1.invoices.create(options))  # noqa: B023
        gateway().write(lambda s: s.v1.invoices.pay(invoice.id))  # noqa: B023
        made.append(invoice.id)
    return made


def see(invoices: list[str], drain) -> None:
    tenancy.fresh()
    for invoice in invoices:
        want(invoice, "invoice")
    db.session.commit()
    drain()


def test_refunds_sent_twice_by_many_threads_go_back_once(web, settings, tenant, stripe_sandbox, drain, keeper):
    buy(tenant, stripe_sandbox, drain, "starter")
    see(bill(tenant, REFUNDS), drain)
    with tenancy.bound(tenant):
        payments = db.session.scalars(select(Payment).where(Payment.amount_minor < 2900)).all()
    assert len(payments) == REFUNDS
    waiting: Queue[Payment] = Queue()
    for payment in [*payments, *payments]:
        waiting.put(payment)
    outcomes: list[str] = []
    turns = count()

    def work() -> None:
        app = app_of("web", settings=settings)
        with app.app_context():
            while True:
                try:
                    payment = waiting.get_nowait()
                except Empty:
                    break
                asked = Request(
                    kind="refund", amount_minor=payment.amount_minor, reason=f"try {next(turns)}",
                    invoice_id=payment.invoice_id, payment_id=payment.id,
                )  # fmt: skip
                try:
                    with tenancy.bound(tenant, user_id=keeper, request_token=uuid4()):
                        outcomes.append(adjustments.request(asked, actor=keeper).state)
                except NothingLeft:
                    outcomes.append("nothing left")
            database.dispose(app)

    side_by_side(*[work] * THREADS)
    drain()
    assert sorted(outcomes) == ["done"] * REFUNDS + ["nothing left"] * REFUNDS
    whole = sum(payment.amount_minor for payment in payments)
    with tenancy.bound(tenant, user_id=keeper):
        refunded = db.session.execute(select(func.count(), func.sum(Refund.amount_minor))).one()
        shown = db.session.scalar(select(func.sum(Payment.refunded_minor)))
        states = db.session.scalars(select(Adjustment.state).distinct()).all()
    assert (tuple(refunded), shown, states) == ((REFUNDS, whole), whole, ["done"])
    with tenancy.bound(tenant):
        customer = db.session.get_one(Customer, tenant).stripe_customer_id
    charges = stripe_sandbox.listed("charges", customer=customer)
    assert sum(charge["amount_refunded"] for charge in charges) == whole
