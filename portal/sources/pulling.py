"""Asking sources every hour: one owed work per link and hour, spread over the hour, each done once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import undefer

from portal import business_time, clock, findings, tenancy
from portal.extensions import db
from portal.models import DriftFinding, UsageSource, UsageSourceLink
from portal.outbox import Work, finish, stage
from portal.sources import sampling, secrets
from portal.sources.base import Connection, Wanted
from portal.sources.errors import SourceError, UnknownTenant
from portal.sources.registry import of_kind

KIND = "source.pull"
FAILING, UNLINKED = "usage_source_failing", "usage_source_unlinked"
log = logging.getLogger("portal.sources")
# Of the hour: a source with many links is not asked for all of them in its first second.
_SPREAD_SECONDS = 3000
# What was changed since the last sample, and a day more: clocks differ, and transactions end after they began.
_OVERLAP = timedelta(days=1)
# What passes by itself is told to staff when it has not.
_PATIENCE = timedelta(hours=3)
_DUE = text("""
    SELECT l.tenant_id, l.id FROM usage_source_links l
    JOIN usage_sources s ON s.id = l.source_id AND s.archived_at IS NULL
    JOIN tenants t ON t.id = l.tenant_id AND t.status <> 'closed'
    WHERE l.removed_at IS NULL ORDER BY l.tenant_id, l.id""")


def owe_all() -> int:
    """Owe this hour's measurement of every link, each at its own moment of the hour. Returns how many links there are.

    However often within the hour: a link's work of an hour is owed once for ever. Commits.
    """
    now = clock.now()
    with tenancy.reader_session() as session:
        due = [(row.tenant_id, row.id) for row in session.execute(_DUE)]
    for tenant_id, link_id in due:
        turn = _hour(now) + timedelta(seconds=link_id.int % _SPREAD_SECONDS)
        owe(tenant_id, link_id, now, delay=max(turn - now, timedelta(0)))
    db.session.commit()
    return len(due)


def owe(tenant_id: UUID, link_id: UUID, now: datetime, *, delay: timedelta = timedelta(0)) -> None:
    """Owe a link's measurement of the hour in the caller's transaction."""
    hour = _hour(now).isoformat()
    stage(KIND, f"{link_id}:{hour}", tenant_id=tenant_id, payload={"link_id": str(link_id), "hour": hour}, delay=delay)


@dataclass(frozen=True)
class _Link:
    """What a measurement needs, read before it: no transaction is open while the source is asked."""

    id: UUID
    kind: str
    name: str
    base_url: str
    kept_secret: str
    options: Mapping[str, str]
    wanted: Wanted
    now: datetime

    @property
    def connection(self) -> Connection:
        return Connection(self.base_url, secrets.decrypted(self.kept_secret), self.options)


def pull(work: Work) -> None:
    """Measure a link and record it, or write down why not. Commits.

    Events are committed before the link's state is: a worker that dies in between does it again, and counts nothing
    twice.
    """
    link = _read(UUID(work.payload["link_id"]))
    if link is None:
        return
    try:
        measured = of_kind(link.kind).measure(link.connection, link.wanted)
    except SourceError as error:
        log.warning("a source could not be measured: %s", error.code, extra={"outbox_key": work.key})
        _failed(work, link.id, error)
        return
    hour = datetime.fromisoformat(work.payload["hour"])
    figures = sampling.record(link.id, link.name, measured, hour=hour, now=link.now)
    _sampled(work, link.id, figures)


def _read(link_id: UUID) -> _Link | None:
    """The link as it is now; None for one that was removed, or whose source is archived. Ends its transaction."""
    found = db.session.execute(
        select(UsageSourceLink, UsageSource)
        .join(UsageSource, UsageSource.id == UsageSourceLink.source_id)
        .where(UsageSourceLink.id == link_id, UsageSourceLink.removed_at.is_(None), UsageSource.archived_at.is_(None))
        .options(undefer(UsageSource.secret))
    ).first()
    link = None
    if found is not None:
        row, source = found
        begins = datetime.combine(row.counts_from, time(), UTC)
        since = begins if row.sampled_at is None else max(begins, row.sampled_at - _OVERLAP)
        wanted = Wanted(row.external_id, row.counts_from, since)
        now = business_time.now()
        link = _Link(
            row.id, source.kind, source.name, source.base_url, source.secret, dict(source.options), wanted, now
        )  # fmt: skip
    db.session.rollback()
    return link


def _sampled(work: Work, link_id: UUID, figures: Mapping[str, str]) -> None:
    _settle(
        link_id, state="linked", sampled_at=clock.now(), figures=dict(figures), error_code=None, failing_since=None
    )  # fmt: skip
    about = (DriftFinding.object_id == str(link_id), DriftFinding.kind.in_((FAILING, UNLINKED)))
    open_ones = update(DriftFinding).where(*about, DriftFinding.resolved_at.is_(None))
    db.session.execute(open_ones.values(resolved_at=clock.now()))
    finish(work)
    db.session.commit()


def _failed(work: Work, link_id: UUID, error: SourceError) -> None:
    """Nothing is recorded: neither what is wrong nor a zero."""
    row = db.session.scalars(select(UsageSourceLink).where(UsageSourceLink.id == link_id)).one()
    since = row.failing_since or clock.now()
    is_unlinked = isinstance(error, UnknownTenant)
    _settle(
        link_id, state="unlinked" if is_unlinked else "failing", error_code=error.code, failing_since=since
    )  # fmt: skip
    if not error.is_passing or clock.now() - since >= _PATIENCE:
        findings.report(UNLINKED if is_unlinked else FAILING, str(link_id), code=error.code)
    finish(work)
    db.session.commit()


def _settle(link_id: UUID, **values: object) -> None:
    db.session.execute(
        update(UsageSourceLink).where(UsageSourceLink.id == link_id).values(**values),
        execution_options={"synchronize_session": False},
    )


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
