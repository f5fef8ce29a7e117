"""Saying that somebody is to be told, in the transaction of what they are told about.

Nothing leaves before that transaction has committed: this writes the notices and the work of sending them.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Notice
from portal.notices.kinds import KINDS
from portal.notices.recipients import Recipient
from portal.outbox import stage


def notify(
    kind: str,
    object_id: str,
    *,
    step: str = "",
    params: Mapping[str, Any] | None = None,
    recipients: Sequence[Recipient] | None = None,
) -> None:
    """Tell the bound tenant's people about a step in an object's life, once, after the commit.

    The same kind, object and step again tells only those who were not told. ``recipients`` replaces the
    people that the kind names. ``params`` is JSON for the composer. Runs on the web and the worker role.
    Raises KeyError for an unknown kind and :class:`portal.tenancy.BindingError` without a tenant.
    """
    definition = KINDS[kind]
    tenant_id = tenancy.require_tenant()
    people = definition.audience.recipients() if recipients is None else recipients
    rows = [
        {
            "tenant_id": tenant_id,
            "id": uuid7(),
            "kind": kind,
            "object_id": object_id,
            "step": step,
            "channel": channel,
            "recipient": person.address,
            "language": person.reader.language,
            "params": {**(params or {}), "reader": person.to_json()},
        }
        for person in people
        for channel in definition.channels
    ]
    if rows:
        _insert(rows, tenant_id)


def _insert(rows: Sequence[Mapping[str, Any]], tenant_id: UUID) -> None:
    """Write the notices that are new, and owe each of them to its channel."""
    inserted = db.session.execute(
        insert(Notice).values(rows).on_conflict_do_nothing().returning(Notice.id, Notice.channel),
        execution_options={"synchronize_session": False},
    )
    for notice_id, channel in inserted.all():
        stage(
            f"{channel}.send",
            f"{channel}:{notice_id}",
            tenant_id=tenant_id,
            payload={"notice_id": str(notice_id)},
        )
