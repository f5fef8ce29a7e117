"""Who is signed in: loaded from the session's token, once per request, in a transaction of its own."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from flask import g, has_request_context
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import DBAPIError

from portal.extensions import db
from portal.models import Membership, Tenant, User, UserSession
from portal.tenancy import Binding

_TOUCH_AFTER = timedelta(minutes=1)  # last_seen_at is this exact; a write per request would buy nothing


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

    Runs on a connection of its own: the request's session stays clean, so that it can be bound afterwards.
    """
    if g.get("principal_unavailable"):
        return None  # the page that reports the failure must not fail the same way
    try:
        with db.engine.begin() as connection:
            return _load(connection, token)
    except DBAPIError:
        g.principal_unavailable = True
        raise


def loaded_principal() -> Principal | None:
    """The request's principal if it was loaded already; never looks it up."""
    if not has_request_context():
        return None
    user = g.get("_login_user")
    return user if isinstance(user, Principal) else None


def _load(connection: Connection, token: str) -> Principal | None:
    found = connection.exec_driver_sql("SELECT * FROM find_session(%s)", (hash_token(token),)).first()
    if found is None:
        return None
    connection.exec_driver_sql(Binding(user_id=found.user_id).statements())
    connection.execute(
        update(UserSession)
        .where(UserSession.id == found.session_id, UserSession.last_seen_at < func.now() - _TOUCH_AFTER)
        .values(last_seen_at=func.now())
    )
    user = connection.execute(select(User.__table__).where(User.id == found.user_id)).one()
    tenants = tenant_choices(connection, found.user_id)
    chosen = next((one for one in tenants if one.tenant_id == found.tenant_id), tenants[0] if tenants else None)
    return Principal(
        token=token,
        user_id=found.user_id,
        session_id=found.session_id,
        name=user.name,
        email=user.email,
        tenant_id=chosen.tenant_id if chosen else None,
        tenant_name=chosen.name if chosen else "",
        role=chosen.role if chosen else None,
        staff_role=found.staff_role,
        language=user.language,
        format_locale=user.format_locale,
        timezone=user.timezone,
        theme=user.theme,
        tenants=tenants,
    )


def tenant_choices(connection: Any, user_id: UUID) -> tuple[TenantChoice, ...]:
    """The tenants of the bound user by name, closed ones left out; ``connection`` may be a session."""
    rows = connection.execute(
        select(Tenant.id, Tenant.name, Tenant.slug, Membership.role)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user_id, Tenant.status != "closed")
        .order_by(Tenant.name, Tenant.id)
    )
    return tuple(TenantChoice(*row) for row in rows)
