"""Keys that end: staff hear of each once, two weeks before, as a finding that goes when the key was replaced."""

from datetime import UTC, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import undefer

from portal import clock, findings, tenancy
from portal.extensions import db
from portal.models import DriftFinding, UsageSource
from portal.outbox import Work, finish, stage
from portal.sources.connections import WORKS, connection_of
from portal.sources.errors import SourceError
from portal.sources.registry import of_kind

KIND = "source.key_ends"
PROBE = "source.probe"
FINDING = "usage_source_key_ends"
BEFORE = timedelta(days=14)  # keys of ordinary Odoo users live for 90 days at most


def look() -> None:
    """Owe a word about every key that ends within two weeks, once for each end of it; settle what is over. Commits.

    A source that knows when its key ends is asked once a day: staff need not know, and keys are made anew.
    """
    tenancy.fresh()
    today = clock.now().astimezone(UTC).date()
    for source_id in db.session.scalars(select(UsageSource.id).where(UsageSource.archived_at.is_(None))):
        stage(PROBE, f"{source_id}:{today}", payload={"source_id": str(source_id)})
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


def probe(work: Work) -> None:
    """Test a source as staff would, and write down how it went and when its key ends. Commits."""
    source_id = UUID(work.payload["source_id"])
    source = db.session.get(UsageSource, source_id, options=[undefer(UsageSource.secret)])
    if source is None:
        return
    db.session.expunge(source)
    db.session.rollback()
    values: dict[str, object] = {"tested_at": clock.now(), "test_outcome": WORKS}
    try:
        found = of_kind(source.kind).probe(connection_of(source))
        values |= {"version": found.version, "key_expires_at": found.key_expires_at or source.key_expires_at}
    except SourceError as error:
        values["test_outcome"] = error.code
    unchanged = (UsageSource.id == source_id, UsageSource.secret == source.secret)  # a new key is another one's to test
    db.session.execute(update(UsageSource).where(*unchanged).values(**values))
    finish(work)
    db.session.commit()
