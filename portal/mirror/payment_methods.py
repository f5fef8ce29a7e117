"""Stripe's payment method: brand, last four digits, expiry."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import clock, tenancy
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.ids import uuid7
from portal.models import PaymentMethod


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
    """Insert or refresh the bound tenant's payment method."""
    kind = resource["type"]
    details = resource.get(kind) or {}
    values = {
        "type": kind,
        "brand": details.get("display_brand") or details.get("brand") or "",
        "last4": details.get("last4") or "",
        "exp_month": details.get("exp_month"),
        "exp_year": details.get("exp_year"),
        "detached_at": None if resource.get("customer") else clock.now(),
    }
    statement = insert(PaymentMethod).values(
        tenant_id=tenancy.require_tenant(),
        id=uuid7(),
        stripe_payment_method_id=resource["id"],
        created_at=clock.from_timestamp(resource["created"]),
        **values,
    )
    db.session.execute(
        statement.on_conflict_do_update(constraint="payment_methods_stripe_payment_method_id_key", set_=values)
    )
