"""Rows of taxes as they are decided, without asking Stripe anything."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.ids import uuid7
from portal.models import Installation, TaxExemption, TaxRate


def exemption(session: Session, tenant_id: UUID, **values: Any) -> TaxExemption:
    """That the tenant pays no tax."""
    row = TaxExemption(
        **{"tenant_id": tenant_id, "id": uuid7(), "reason": "a charity", "granted_by": uuid7(), **values}
    )
    session.add(row)
    session.flush()
    return row


def rate(session: Session, country: str = "ES", **values: Any) -> TaxRate:
    """A rate that Stripe has, by its word."""
    row = TaxRate(**{
        "id": uuid7(), "country": country, "name": "IVA", "percentage": Decimal(21),
        "stripe_tax_rate_id": f"txr_{country}", **values,
    })  # fmt: skip
    session.add(row)
    session.flush()
    return row


def decided(session: Session, mode: str = "rates", home: str = "ES") -> None:
    """How taxes are decided, without asking Stripe anything."""
    held = session.scalars(select(Installation)).one()
    held.tax, held.issuer = {"mode": mode, "version": 1}, {**held.issuer, "country": home}
    session.flush()
