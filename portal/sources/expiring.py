"""Keys that end: staff hear of each once, two weeks before, as a finding that goes when the key was replaced."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from portal import clock, findings, tenancy
from portal.extensions import db
from portal.models import DriftFinding, UsageSource
from portal.outbox import Work, finish, stage

KIND = "source.key_ends"
FINDING = "usage_source_key_ends"
BEFORE = timedelta(days=14)  # keys of ordinary Odoo users live for 90 days at most


def look() -> None:
    """Owe a word about every key that ends within two weeks, once for each end of it; settle what is over. Commits."""
    tenancy.fresh()
    soon = clock.now() + BEFORE
    ending = select(UsageSource.id, UsageSource.key_expires_at).where(
        UsageSource.archived_at.is_(None), UsageSource.key_expires_at <= soon
    )
    found = {row.id: row.key_expires_at for row in db.session.execute(ending)}
    for source_id, ends_at in found.items():
        stage(KIND, f"{source_id}:{ends_at.isoformat()}", payload={"source_id": str(source_id)})
    db.session.execute(
        update(DriftFinding)
        .where(
            DriftFinding.kind == FINDING,
            DriftFinding.resolved_at.is_(None),
            DriftFinding.object_id.not_in([str(source_id) for source_id in found]),
        )
        .values(resolved_at=clock.now())
    )
    db.session.commit()


def tell(work: Work) -> None:
    """Write the finding; one that is open already stays as it is. Commits."""
    source = db.session.get(UsageSource, UUID(work.payload["source_id"]))
    if source is not None and source.key_expires_at is not None:
        ends_at = source.key_expires_at.isoformat()
        findings.report_about(None, FINDING, str(source.id), name=source.name, ends_at=ends_at)
    finish(work)
    db.session.commit()
