"""The installation: one row that says which Stripe account the data belongs to."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Model, Timestamped


class Installation(Timestamped, Model):
    """Account binding (design §5.12), and the stop for all work that moves money.

    ``issuer``: its details for documents. ``tax``: how taxes are decided (:func:`portal.tax_terms.policy`).
    """

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id", name="single"), CheckConstraint("length(logo) <= 204800", name="logo"))

    id: Mapped[bool] = mapped_column(primary_key=True, default=True, server_default="true")
    stripe_account_id: Mapped[str | None]
    livemode: Mapped[bool | None]
    stripe_api_base: Mapped[str | None]
    money_stopped_at: Mapped[datetime | None]
    issuer: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    tax: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    logo: Mapped[bytes | None] = mapped_column(deferred=True)
