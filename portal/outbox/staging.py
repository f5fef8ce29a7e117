"""Writing down owed work in the transaction that causes it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import OutboxRow
from portal.outbox import wake
from portal.outbox.work import Work


def stage(
    kind: str,
    key: str,
    *,
    tenant_id: UUID | None = None,
    payload: Mapping[str, Any] | None = None,
    delay: timedelta = timedelta(0),
) -> None:
    """Owe work of ``kind`` to a tenant once for ever under ``key``; committed and rolled back with the caller's rows.

    A second staging under the same key does nothing, whether the first is still open or long done.
    """
    db.session.execute(
        insert(OutboxRow)
        .values(
            id=uuid7(),
            kind=kind,
            key=key,
            tenant_id=tenant_id,
            payload=dict(payload or {}),
            next_at=func.now() + delay,
        )
        .on_conflict_do_nothing()
    )
    wake.after_commit()


def stage_leased(kind: str, key: str, *, tenant_id: UUID | None, payload: Mapping[str, Any], seconds: int) -> Work:
    """Owe work that the running request means to do itself within ``seconds``.

    If the request dies, the lease ends and a worker inherits the row with the same key.
    """
    token = _request_token()
    work = Work(uuid7(), kind, key, token, tenant_id, dict(payload))
    db.session.execute(
        insert(OutboxRow)
        .values(
            id=work.id,
            kind=kind,
            key=key,
            tenant_id=tenant_id,
            payload=dict(payload),
            lease_token=token,
            lease_until=func.now() + timedelta(seconds=seconds),
        )
        .on_conflict_do_nothing()
    )
    return work


def _request_token() -> UUID:
    """The request's own token, made on first use: row-level security shows the request its leased rows by it."""
    binding = tenancy.current()
    if binding.request_token is not None:
        return binding.request_token
    token = uuid4()
    db.session().info["binding"] = replace(binding, request_token=token)
    # The transaction began before the token existed; later ones get it from the binding.
    db.session.connection().exec_driver_sql(f"SET LOCAL app.request_token = '{token}'")
    return token
