"""Tenants, the platform's customers, and the details that their invoices carry."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from portal.ids import uuid7
from portal.models.base import Model, Timestamped


class Tenant(Timestamped, Model):
    """A customer of the platform. ``language`` is of texts, ``format_locale`` of numbers and dates."""

    __tablename__ = "tenants"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'suspended', 'closed')", name="status"),
        CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'", name="slug"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    slug: Mapped[str]
    email: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    language: Mapped[str] = mapped_column(server_default="en")
    format_locale: Mapped[str] = mapped_column(server_default="en_US")
    timezone: Mapped[str] = mapped_column(server_default="UTC")


class TenantSlug(Model):
    """Slugs are unique over all tenants, which a tenant-first key cannot say: hence a table of their own."""

    __tablename__ = "tenant_slugs"

    slug: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))


class BillingDetails(Model):
    """Who is invoiced. Empty texts mean "not given"; ``country`` is ISO 3166-1 alpha-2.

    ``tax_id_kind``: Stripe's name of a tax id whose digits were checked. ``copies``: further addresses that are told
    what ``email`` is told. ``electronic_address``: where e-invoices go, as "scheme:identifier" (Peppol). ``version``
    rises with each change.
    """

    __tablename__ = "billing_details"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    legal_name: Mapped[str] = mapped_column(server_default="")
    email: Mapped[str] = mapped_column(server_default="")
    line1: Mapped[str] = mapped_column(server_default="")
    line2: Mapped[str] = mapped_column(server_default="")
    city: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="")
    postal_code: Mapped[str] = mapped_column(server_default="")
    country: Mapped[str] = mapped_column(server_default="")
    tax_id: Mapped[str] = mapped_column(server_default="")
    tax_id_kind: Mapped[str] = mapped_column(server_default="")
    purchase_order: Mapped[str] = mapped_column(server_default="")
    copies: Mapped[list[Any]] = mapped_column(server_default="[]")
    electronic_address: Mapped[str] = mapped_column(server_default="")
    version: Mapped[int] = mapped_column(server_default="1")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
