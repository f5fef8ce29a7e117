"""The audit chain: who did what, one chain per tenant, each entry carrying the hash of the one before.

The web and worker roles may only append. Whoever edits, removes, inserts or reorders entries beneath them
breaks the chain, and :func:`verify` says where. Two things the chain alone cannot show: entries cut off at
its end, and a superuser who recomputes every hash; both need a head that is signed and kept elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import g, has_request_context
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from portal import clock, tenancy
from portal.extensions import db
from portal.models import AuditEntry
from portal.security.principal import loaded_principal

GENESIS = bytes(32)
_LOCK_SPACE = 0x61756469  # "audi": the advisory locks of the chains


@dataclass(frozen=True)
class Actor:
    """Who acts: "user", "staff", "anonymous" or "system", and the id where there is one."""

    kind: str
    id: str = ""


@dataclass(frozen=True)
class Fault:
    """One place where a chain does not hold: "missing", "altered" or "broken link"."""

    tenant_id: UUID
    sequence: int
    problem: str


def record(
    verb: str,
    object_kind: str,
    object_id: object,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    actor: Actor | UUID | None = None,
) -> None:
    """Append an entry to the bound tenant's chain, in the current transaction.

    ``before`` and ``after`` hold ids, codes and amounts in minor units, never secrets and no more personal
    data than needed: entries outlive an erasure. Raises :class:`portal.tenancy.BindingError` without a
    tenant (``tenancy.PLATFORM`` is the chain of what belongs to none) and TypeError for a float.
    """
    tenant_id = tenancy.require_tenant()
    sequence, previous_hash = _locked_end(tenant_id)
    who = _actor(actor)
    entry: dict[str, Any] = {
        "tenant_id": tenant_id,
        "sequence": sequence + 1,
        "at": clock.now(),
        "actor_kind": who.kind,
        "actor_id": who.id,
        "impersonator_id": "",
        "verb": verb,
        "object_kind": object_kind,
        "object_id": str(object_id),
        "before": _plain(before),
        "after": _plain(after),
        "request_id": g.get("request_id", "") if has_request_context() else "",
        "previous_hash": previous_hash,
    }
    db.session.execute(insert(AuditEntry).values(**entry, hash=_digest(entry)))


def _locked_end(tenant_id: UUID) -> tuple[int, bytes]:
    """Sequence and hash of the chain's last entry. Two appends at once would take the same sequence:

    the lock makes the second wait for the first one's commit.
    """
    session = db.session()
    session.flush()
    session.execute(
        text("SELECT pg_advisory_xact_lock(:space, hashtext(:tenant))"),
        {"space": _LOCK_SPACE, "tenant": str(tenant_id)},
    )
    last = session.execute(
        select(AuditEntry.sequence, AuditEntry.hash)
        .where(AuditEntry.tenant_id == tenant_id)
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    ).first()
    return (last.sequence, last.hash) if last else (0, GENESIS)


def verify(tenant_id: UUID) -> list[Fault]:
    """Recompute a tenant's chain and return what does not fit; reads on the evaluators' role."""
    with tenancy.reader_session() as session:
        return _faults(session, tenant_id)


def verify_all() -> tuple[int, list[Fault]]:
    """Verify every chain; returns how many there are and all faults."""
    with tenancy.reader_session() as session:
        tenant_ids = session.scalars(select(AuditEntry.tenant_id).distinct()).all()
        return len(tenant_ids), [fault for tenant_id in tenant_ids for fault in _faults(session, tenant_id)]


def _faults(session: Session, tenant_id: UUID) -> list[Fault]:
    rows = session.execute(
        select(*AuditEntry.__table__.columns)
        .where(AuditEntry.tenant_id == tenant_id)
        .order_by(AuditEntry.sequence)
        .execution_options(yield_per=1000)
    ).mappings()
    faults: list[Fault] = []
    expected, previous = 1, GENESIS
    for row in rows:
        entry = dict(row)
        stored = entry.pop("hash")
        if entry["sequence"] != expected:
            faults.append(Fault(tenant_id, expected, "missing"))
        elif entry["previous_hash"] != previous:
            faults.append(Fault(tenant_id, entry["sequence"], "broken link"))
        if stored != _digest(entry):
            faults.append(Fault(tenant_id, entry["sequence"], "altered"))
        expected, previous = entry["sequence"] + 1, stored
    return faults


def _actor(given: Actor | UUID | None) -> Actor:
    if isinstance(given, UUID):
        return Actor("user", str(given))
    if given is not None:
        return given
    if (principal := loaded_principal()) is not None:
        # Staff inside a tenant that is not theirs act as staff, whatever else they are.
        is_staff = principal.staff_role is not None and principal.tenant_id != tenancy.current().tenant_id
        return Actor("staff" if is_staff else "user", str(principal.user_id))
    return Actor("system")


def _digest(entry: Mapping[str, Any]) -> bytes:
    """SHA-256 over the entry as canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(_plain(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).digest()


def _plain(value: Any) -> Any:
    """The value in JSON's types. Floats are refused: their text differs from one writer to the next."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form in an audit entry")
