"""Sessions: an opaque token in the signed cookie, its SHA-256 in a row that can be revoked."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, select, update

from portal import clock, tenancy
from portal.errors import NotFound
from portal.extensions import db
from portal.ids import uuid7
from portal.models import UserSession
from portal.security import audit
from portal.security.principal import Principal, hash_token

# The idle limits, 7 days and 1 hour for staff, are in the database function find_principal().
LIFETIME = timedelta(days=30)
STAFF_LIFETIME = timedelta(hours=12)
_TOKEN_BYTES = 32  # 256 bits
_SHOWN_USER_AGENT = 300


# Looked for in this order: most browsers also carry the names of those they want to be taken for.
_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


class OwnSession(NamedTuple):
    """A row of the account page's list."""

    session_id: UUID
    address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime

    @property
    def browser(self) -> str:
        """Browser and system in a few words, "Firefox, Windows"; the raw text when neither is known."""
        browser = next((name for mark, name in _BROWSERS.items() if mark in self.user_agent), "")
        system = next((name for mark, name in _SYSTEMS.items() if mark in self.user_agent), "")
        return ", ".join(filter(None, (browser, system))) or self.user_agent[:60]


def open_session(user_id: UUID, tenant_id: UUID | None, *, is_staff: bool, address: str, user_agent: str) -> str:
    """Insert a session in the current transaction (``user_id`` bound) and return its token, kept nowhere else."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    db.session.execute(
        insert(UserSession).values(
            id=uuid7(),
            token_hash=hash_token(token),
            user_id=user_id,
            tenant_id=tenant_id,
            address=address,
            user_agent=printable(user_agent)[:_SHOWN_USER_AGENT],
            expires_at=clock.now() + (STAFF_LIFETIME if is_staff else LIFETIME),
        )
    )
    return token


def renew_token(session_id: UUID, *, tenant_id: UUID | None) -> str:
    """Give a session a new token, in the current transaction: after a change of rights the old one is dead.

    The absolute lifetime stays what it was.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    db.session.execute(
        update(UserSession)
        .where(UserSession.id == session_id)
        .values(token_hash=hash_token(token), tenant_id=tenant_id)
    )
    return token


def revoke_all(user_id: UUID, *, but: UUID | None = None) -> int:
    """Revoke the bound user's sessions in the current transaction; returns how many were running."""
    running = update(UserSession).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    if but is not None:
        running = running.where(UserSession.id != but)
    ended = db.session.execute(running.values(revoked_at=func.now()).returning(UserSession.id))
    return len(ended.all())


def end(session_id: UUID) -> bool:
    """Revoke one of the bound user's sessions in the current transaction; returns whether it was running."""
    ended = db.session.execute(
        update(UserSession)
        .where(UserSession.id == session_id, UserSession.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(UserSession.id)
    )
    return ended.first() is not None


def revoke(principal: Principal, session_id: UUID) -> None:
    """End one of the person's own sessions. Commits. Raises NotFound for a missing, ended or foreign one."""
    with tenancy.bound(principal.tenant_id or tenancy.PLATFORM, user_id=principal.user_id):
        if not end(session_id):
            raise NotFound
        audit.record("session.revoked", "session", session_id)
        db.session.commit()


def revoke_others(principal: Principal) -> int:
    """End all the person's sessions but this one; returns how many. Commits."""
    with tenancy.bound(principal.tenant_id or tenancy.PLATFORM, user_id=principal.user_id):
        ended = revoke_all(principal.user_id, but=principal.session_id)
        audit.record("session.others_revoked", "user", principal.user_id, after={"sessions_ended": ended})
        db.session.commit()
    return ended


def own_sessions() -> Sequence[OwnSession]:
    """The bound user's running sessions, the last used first."""
    rows = db.session.execute(
        select(
            UserSession.id,
            UserSession.address,
            UserSession.user_agent,
            UserSession.created_at,
            UserSession.last_seen_at,
        )
        .where(
            UserSession.user_id == tenancy.current().user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > func.now(),
        )
        .order_by(UserSession.last_seen_at.desc())
        .limit(100)
    )
    return [OwnSession(*row) for row in rows]


def last_tenant(user_id: UUID) -> UUID | None:
    """The tenant that the bound user looked at last."""
    return db.session.scalar(
        select(UserSession.tenant_id)
        .where(UserSession.user_id == user_id, UserSession.tenant_id.is_not(None))
        .order_by(UserSession.last_seen_at.desc())
        .limit(1)
    )


def printable(text: str) -> str:
    """Without control characters: PostgreSQL refuses NUL, terminals obey the rest."""
    return "".join(char for char in text if char.isprintable())
