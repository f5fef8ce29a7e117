"""Stripe's payment methods: what a person needs to recognise one, and which the tenant has."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import tenancy
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.gateway.inbox import want
from portal.mirror import method_rows
from portal.mirror.customers import locked
from portal.models import PaymentMethod, Subscription
from portal.models.subscriptions import LIVE_STATUSES


def fetch(object_id: str) -> dict[str, Any]:
    return as_dict(gateway().read(lambda s: s.v1.payment_methods.retrieve(object_id)))


def customer(resource: dict[str, Any]) -> str | None:
    found: str | None = resource.get("customer")
    return found


def former_tenant(resource: dict[str, Any]) -> UUID | None:
    """Who had this method before it was detached; asked on the role that reads all tenants."""
    with tenancy.reader_session() as session:
        known = PaymentMethod.stripe_payment_method_id == resource["id"]
        return session.scalar(select(PaymentMethod.tenant_id).where(known))


def apply(resource: dict[str, Any]) -> None:
    """Insert or refresh the bound tenant's payment method; of one that was detached, also whoever named it."""
    owner = locked()
    method_rows.write(resource)
    if resource.get("customer"):
        return
    if owner.backup_payment_method == resource["id"]:
        owner.backup_payment_method = None
    if owner.requested_payment_method == resource["id"]:
        owner.requested_payment_method = None
    if owner.stripe_customer_id:
        want(owner.stripe_customer_id, "customer")
    charged = Subscription.default_payment_method == resource["id"], Subscription.status.in_(LIVE_STATUSES)
    for subscription_id in db.session.scalars(select(Subscription.stripe_subscription_id).where(*charged)):
        want(subscription_id, "subscription")
