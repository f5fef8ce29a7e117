"""Who is signed in: loaded from the session's token, once per request, in a transaction of its own."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from flask import g, has_request_context
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from portal.connections import execute_alone
from portal.extensions import db
from portal.models import Membership, Tenant, UserSession
from portal.tenancy import Binding


class TenantChoice(NamedTuple):
    """A tenant that the user belongs to, and as what."""

    tenant_id: UUID
    name: str
    slug: str
    role: str


@dataclass(frozen=True)
class Principal:
    """The signed-in person, the tenant being looked at and the role there; Flask-Login's ``current_user``."""

    token: str = field(repr=False)
    user_id: UUID
    session_id: UUID
    name: str
    email: str
    tenant_id: UUID | None
    tenant_name: str
    role: str | None
    staff_role: str | None
    language: str
    format_locale: str
    timezone: str
    theme: str
    tenants: tuple[TenantChoice, ...]

    # Flask-Login's protocol: https://flask-login.readthedocs.io/#your-user-class
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token."""
        return self.token


def hash_token(token: str) -> bytes:
    """What the database keeps of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode()).digest()


def load_principal(token: str) -> Principal | None:
    """The person behind a session's token, or ``None`` when it is unknown, revoked, too old or idle too long.

    One statement, on a connection of its own: the request's session stays clean, so that it can be bound afterwards.
    """
    if g.get("principal_unavailable"):
        return None  # the page that reports the failure must not fail the same way
    try:
        return _load(token)
    except DBAPIError:
        g.principal_unavailable = True
        raise


def loaded_principal() -> Principal | None:
    """The request's principal if it was loaded already; never looks it up."""
    if not has_request_context():
        return None
    user = g.get("_login_user")
    return user if isinstance(user, Principal) else None


def _load(token: str) -> Principal | None:
    found = execute_alone(db.engine, "SELECT * FROM find_principal(%s)", (hash_token(token),)).fetchone()
    if found is None:
        return None
    tenants = tuple(TenantChoice(UUID(tenant_id), *rest) for tenant_id, *rest in found.tenants)
    chosen = next((one for one in tenants if one.tenant_id == found.tenant_id), tenants[0] if tenants else None)
    if found.is_stale:
        _touch(found.session_id, found.user_id)
    return Principal(
        token=token,
        user_id=found.user_id,
        session_id=found.session_id,
        name=found.name,
        email=found.email,
        tenant_id=chosen.tenant_id if chosen else None,
        tenant_name=chosen.name if chosen else "",
        role=chosen.role if chosen else None,
        staff_role=found.staff_role,
        language=found.language,
        format_locale=found.format_locale,
        timezone=found.timezone,
        theme=found.theme,
        tenants=tenants,
    )


def _touch(session_id: UUID, user_id: UUID) -> None:
    """Note that the session is used: find_principal() calls it stale when that was noted a minute ago."""
    with db.engine.begin() as connection:
        connection.exec_driver_sql(Binding(user_id=user_id).statements())
        connection.execute(update(UserSession).where(UserSession.id == session_id).values(last_seen_at=func.now()))


def tenant_choices(connection: Any, user_id: UUID) -> tuple[TenantChoice, ...]:
    """The tenants of the bound user by name, closed ones left out; ``connection`` may be a session."""
    rows = connection.execute(
        select(Tenant.id, Tenant.name, Tenant.slug, Membership.role)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user_id, Tenant.status != "closed")
        .order_by(Tenant.name, Tenant.id)
    )
    return tuple(TenantChoice(*row) for row in rows)
