"""Audit entries: who did what, chained by hashes per tenant. Written by ``portal.security.audit`` only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Model


class AuditEntry(Model):
    """One act. The platform's own chain has the nil UUID as tenant, hence no foreign key."""

    __tablename__ = "audit_entries"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[str] = mapped_column(server_default="")
    impersonator_id: Mapped[str] = mapped_column(server_default="")
    verb: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(server_default="")
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]
