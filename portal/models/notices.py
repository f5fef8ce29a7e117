"""Notices: one message to one recipient by one channel, once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Model, TenantOwned, Timestamped


class Notice(TenantOwned, Timestamped, Model):
    """What was said, about which object and step of its life, and whether it left."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id", "kind", "object_id", "step", "channel", "recipient", name="notices_once_key"
        ),
        CheckConstraint("state IN ('staged', 'sent', 'failed', 'overtaken')", name="state"),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    kind: Mapped[str]
    object_id: Mapped[str]
    step: Mapped[str] = mapped_column(server_default="")
    channel: Mapped[str]
    recipient: Mapped[str]
    language: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    state: Mapped[str] = mapped_column(server_default="staged")
    error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
