"""Keys that integrations of a tenant speak with."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Model, TenantOwned, Timestamped


class ApiKey(TenantOwned, Timestamped, Model):
    """A bearer key. Kept are its SHA-256 and ``shown``, the beginning that people know it by."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("api_keys_token_hash_idx", "token_hash"),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    name: Mapped[str]
    shown: Mapped[str]
    token_hash: Mapped[bytes]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    created_by: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
