"""The rows of payment methods, as one of them or the customer's whole list tells."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from portal import clock, tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import PaymentMethod


def write(resource: Mapping[str, Any]) -> None:
    """Insert or refresh one row of the bound tenant."""
    kind = resource["type"]
    details = resource.get(kind) or {}
    values = {
        "type": kind,
        "brand": details.get("display_brand") or details.get("brand") or "",
        "last4": details.get("last4") or "",
        "exp_month": details.get("exp_month"),
        "exp_year": details.get("exp_year"),
        "funding": details.get("funding") or "",
        "bank_name": details.get("bank_name") or "",
        "account_email": details.get("payer_email") or details.get("email") or "",
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


def keep_only(stripe_ids: set[str]) -> None:
    """What is not in the customer's list any more was detached, whether or not an event told us."""
    gone = PaymentMethod.detached_at.is_(None), PaymentMethod.stripe_payment_method_id.not_in(stripe_ids)
    db.session.execute(
        update(PaymentMethod).where(*gone).values(detached_at=clock.now()),
        execution_options={"synchronize_session": False},
    )
