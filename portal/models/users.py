"""Users, their place in tenants and staff, and their sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from portal.ids import uuid7
from portal.models.base import Model, Timestamped

MEMBER_ROLES = ("owner", "billing", "developer", "viewer")
STAFF_ROLES = ("admin", "finance", "support", "read_only")


class User(Timestamped, Model):
    """A person who signs in. One person may belong to several tenants, to staff, or to both."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("theme IN ('auto', 'light', 'dark')", name="theme"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    language: Mapped[str] = mapped_column(server_default="en")
    format_locale: Mapped[str] = mapped_column(server_default="en_US")
    timezone: Mapped[str] = mapped_column(server_default="UTC")
    theme: Mapped[str] = mapped_column(server_default="auto")
    disabled_at: Mapped[datetime | None]


class EmailAddress(Model):
    """Addresses are unique over the installation, lower-cased."""

    __tablename__ = "email_addresses"
    __table_args__ = (CheckConstraint("email = lower(email)", name="lower"),)

    email: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", deferrable=True, initially="DEFERRED"))


class StaffMember(Timestamped, Model):
    """The platform's own people. Written by the owner's commands only."""

    __tablename__ = "staff_members"
    __table_args__ = (CheckConstraint("role IN ('admin', 'finance', 'support', 'read_only')", name="role"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]


class Membership(Timestamped, Model):
    """A user's role in a tenant."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'billing', 'developer', 'viewer')", name="role"),
        Index(None, "user_id"),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]


class UserSession(Timestamped, Model):
    """A signed-in browser. Only the token's SHA-256 is kept; ``tenant_id`` is the tenant being looked at."""

    __tablename__ = "user_sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["memberships.tenant_id", "memberships.user_id"], ondelete="CASCADE"
        ),
        Index(None, "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    token_hash: Mapped[bytes]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    tenant_id: Mapped[UUID | None]
    address: Mapped[str] = mapped_column(server_default="")
    user_agent: Mapped[str] = mapped_column(server_default="")
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PasswordReset(Timestamped, Model):
    """A single-use permission to set a new password, sent by mail; only its hash is kept."""

    __tablename__ = "password_resets"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginAttempt(Timestamped, Model):
    """One try to sign in, by account and by address; the limits count these rows, never Redis."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index("login_attempts_account_idx", "account", "created_at"),
        Index("login_attempts_address_idx", "address", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    account: Mapped[str]
    address: Mapped[str]
    succeeded: Mapped[bool] = mapped_column(server_default="false")
