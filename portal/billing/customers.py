"""The tenant at Stripe: made once, whatever is clicked twice."""

import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import clock, tenancy
from portal.billing import customer_details, leased
from portal.errors import Conflict
from portal.extensions import db
from portal.gateway.client import gateway, key_is_forgotten, keyed
from portal.gateway.errors import PaymentServiceUnavailable
from portal.gateway.lists import entries
from portal.models import Customer, StripeCustomer
from portal.outbox import Work

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import CustomerCreateParams
    from stripe.params.test_helpers import TestClockCreateParams

log = logging.getLogger("portal.customers")


class CustomerTaken(Conflict):
    """The Stripe customer is mapped to another tenant: somebody must look before money moves."""

    code = "customer_taken"


def ensure_row() -> None:
    """Make the bound tenant's customer row, in the current transaction; it is there before Stripe's customer."""
    db.session.execute(insert(Customer).values(tenant_id=tenancy.require_tenant()).on_conflict_do_nothing())


def ensure_stripe_customer() -> str:
    """The bound tenant's Stripe customer, made when there is none. Commits. Returns its id.

    The idempotency key is the tenant: two requests at once, or one whose answer was lost, get one customer.
    """
    tenant_id = tenancy.require_tenant()
    row = db.session.get_one(Customer, tenant_id)
    if row.stripe_customer_id:
        db.session.commit()
        return row.stripe_customer_id
    asked_at = row.requested_at = row.requested_at or clock.now()
    db.session.commit()
    customer_id = _found_or_created(tenant_id, asked_at)
    work = _store(row, customer_id)
    # At once, for Stripe's pages ask for an address that they do not know; what fails is a worker's to repeat.
    with suppress(PaymentServiceUnavailable):
        leased.do_now(work, customer_details.describe)
    return customer_id


def _found_or_created(tenant_id: UUID, asked_at: datetime) -> str:
    if key_is_forgotten(asked_at) and (found := _made_earlier(tenant_id, asked_at)) is not None:
        return found
    # Constant parameters: a repeat after the tenant was renamed would otherwise be refused as another request.
    params: CustomerCreateParams = {"metadata": {"tenant_id": str(tenant_id)}}
    if current_app.extensions["settings"].stripe_test_clocks:
        params["test_clock"] = _test_clock(tenant_id, asked_at)
    return gateway().write(lambda s: s.v1.customers.create(params, keyed(f"customer:{tenant_id}"))).id


def _test_clock(tenant_id: UUID, asked_at: datetime) -> str:
    """A clock of the tenant's own, that somebody has to move from now on."""
    params: TestClockCreateParams = {"frozen_time": int(asked_at.timestamp()), "name": str(tenant_id)}
    return gateway().write(lambda s: s.v1.test_helpers.test_clocks.create(params, keyed(f"test_clock:{tenant_id}"))).id


def _made_earlier(tenant_id: UUID, asked_at: datetime) -> str | None:
    """The customer of a try whose answer was lost, once its key is forgotten at Stripe."""
    since = int((asked_at - timedelta(minutes=5)).timestamp())
    made = entries(lambda page: gateway().read(lambda s: s.v1.customers.list(page)), created={"gte": since})
    mine = (entry for entry in made if entry["metadata"].get("tenant_id") == str(tenant_id))
    return next((str(entry["id"]) for entry in mine), None)


def _store(row: Customer, customer_id: str) -> Work:
    """Map the customer both ways, once; returns what is owed then. Raises :class:`CustomerTaken`."""
    db.session.execute(
        insert(StripeCustomer).values(customer_id=customer_id, tenant_id=row.tenant_id).on_conflict_do_nothing()
    )
    mapped = db.session.scalar(select(StripeCustomer.customer_id).where(StripeCustomer.tenant_id == row.tenant_id))
    if mapped != customer_id:
        db.session.rollback()
        raise CustomerTaken
    row.stripe_customer_id = customer_id
    work = customer_details.owe(customer_id)
    db.session.commit()
    return work
