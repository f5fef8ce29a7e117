"""API keys: made and shown once, looked up by their hash, revoked. ``bp_live_…`` and ``bp_test_…``."""

import secrets
import string
import zlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update

from portal import clock, tenancy
from portal.connections import execute_alone
from portal.errors import DomainError, Invalid
from portal.extensions import db
from portal.ids import uuid7
from portal.models import ApiKey
from portal.security import audit
from portal.security.principal import hash_token
from portal.tenancy import Binding

SCOPES = ("usage:read", "usage:write")
_ALPHABET = string.digits + string.ascii_letters
_SECRET_LENGTH = 32  # of 62 characters: 190 bits
_SUM_LENGTH = 6
_SHOWN = len("bp_live_") + 4


class UnknownScope(Invalid):
    code = "unknown_scope"
    message = "There is no such permission of keys."


class NoBearer(DomainError):
    code = "unauthorized"
    status = 401
    message = "This needs an API key."
    remedy = "Send it as “Authorization: Bearer bp_…”; a key that was revoked or has expired no longer works."


class MissingScope(DomainError):
    code = "missing_scope"
    status = 403
    message = "This API key may not do this."
    remedy = "Use a key with the permission %(scope)s."


class Bearer(NamedTuple):
    """Who speaks: the key, its tenant, what it may do, the tenant's language."""

    tenant_id: UUID
    key_id: UUID
    scopes: tuple[str, ...]
    language: str


class MadeKey(NamedTuple):
    """A new key; ``token`` is shown now and never again."""

    key: ApiKey
    token: str


def add(
    name: str,
    scopes: Sequence[str],
    token: str,
    *,
    actor: UUID | None,
    expires_at: datetime | None = None,
    key_id: UUID | None = None,
) -> MadeKey:
    """Write a key of the bound tenant, audited. Does not commit. Raises :class:`UnknownScope`."""
    if not scopes or set(scopes) - set(SCOPES):
        raise UnknownScope
    key = ApiKey(
        tenant_id=tenancy.require_tenant(), id=key_id or uuid7(), name=name, shown=token[:_SHOWN],
        token_hash=hash_token(token), scopes=list(scopes), created_by=actor, expires_at=expires_at,
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()
    audit.record("api_key.create", "api_key", str(key.id), after={"name": name, "scopes": list(scopes)}, actor=actor)
    return MadeKey(key, token)


def end(key: ApiKey, *, actor: UUID | None) -> bool:
    """End a key that is locked; whether it had not ended before. Audited; does not commit."""
    if key.revoked_at is not None:
        return False
    key.revoked_at = clock.now()
    audit.record("api_key.revoke", "api_key", str(key.id), before={"name": key.name}, actor=actor)
    return True


def of_tenant() -> Sequence[ApiKey]:
    """The bound tenant's keys, the newest first."""
    return db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).all()


def require(token: str, scopes: Collection[str]) -> Bearer:
    """Who speaks with this key. Raises :class:`NoBearer`, and :class:`MissingScope` for what it may not do."""
    found = find(token)
    if found is None:
        raise NoBearer
    if missing := set(scopes) - set(found.scopes):
        raise MissingScope(scope=" ".join(sorted(missing)))
    return found


def find(token: str) -> Bearer | None:
    """Whose key this is, or ``None`` when it is unknown, revoked or too old.

    One statement on a connection of its own. A mistyped key is told by its checksum, without asking the database.
    """
    if not is_well_formed(token):
        return None
    row = execute_alone(db.engine, "SELECT * FROM find_api_key(%s)", (hash_token(token),)).fetchone()
    if row is None:
        return None
    bearer = Bearer(row.tenant_id, row.key_id, tuple(row.scopes), row.language)
    if row.is_stale:
        _touch(bearer)
    return bearer


def _touch(bearer: Bearer) -> None:
    """Write down that it was used; in a transaction of its own, the request's session stays clean."""
    with db.engine.begin() as connection:
        connection.exec_driver_sql(Binding(bearer.tenant_id).statements())
        connection.execute(update(ApiKey).where(ApiKey.id == bearer.key_id).values(last_used_at=func.now()))


def new_token(*, livemode: bool) -> str:
    """``bp_live_`` or ``bp_test_``, 32 random characters, 6 of a checksum over all before."""
    start = f"bp_{'live' if livemode else 'test'}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return start + _checksum(start)


def is_well_formed(token: str) -> bool:
    """Whether it looks like a key and its checksum is right."""
    return (
        token.startswith(("bp_live_", "bp_test_"))
        and token.isascii()
        and len(token) == len("bp_live_") + _SECRET_LENGTH + _SUM_LENGTH
        and _checksum(token[:-_SUM_LENGTH]) == token[-_SUM_LENGTH:]
    )


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_SUM_LENGTH):
        number, rest = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[rest] + digits
    return digits
