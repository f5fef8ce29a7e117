"""Which tenant of a source is which of ours: seen beforehand, linked, removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from portal import clock, lookups, tenancy
from portal.errors import NotFound
from portal.extensions import db
from portal.models import Tenant, UsageSource, UsageSourceLink
from portal.security import audit
from portal.sources import connections, pulling
from portal.sources.base import Measured, Target, Wanted
from portal.sources.errors import AlreadyLinked, ElsewhereLinked, UnknownTenant
from portal.sources.registry import of_kind

MOST_TENANTS = 5000


class Seen(NamedTuple):
    """A link and its tenant's name, for staff."""

    link: UsageSourceLink
    tenant_name: str


@dataclass(frozen=True)
class Preview:
    """What a link would record: the heights now, and how much happened today so far."""

    target: Target
    measured: Measured


def of_source(source_id: UUID) -> Sequence[Seen]:
    """The links of a source by the tenant's name; reads on the staff's role."""
    wanted = (
        select(UsageSourceLink, Tenant.name)
        .join(Tenant, Tenant.id == UsageSourceLink.tenant_id)
        .where(UsageSourceLink.source_id == source_id, UsageSourceLink.removed_at.is_(None))
        .order_by(Tenant.name, UsageSourceLink.id)
    )
    with tenancy.staff_session() as session:
        return [Seen(link, name) for link, name in session.execute(wanted)]


def counted() -> dict[UUID, dict[str, int]]:
    """How many links each source has, by state; reads on the staff's role."""
    wanted = (
        select(UsageSourceLink.source_id, UsageSourceLink.state, func.count())
        .where(UsageSourceLink.removed_at.is_(None))
        .group_by(UsageSourceLink.source_id, UsageSourceLink.state)
    )
    found: dict[UUID, dict[str, int]] = {}
    with tenancy.staff_session() as session:
        for source_id, state, number in session.execute(wanted):
            found.setdefault(source_id, {})[state] = number
    return found


def free_tenants(kind: str) -> Sequence[tuple[UUID, str]]:
    """Tenants that have no link of this kind, by name; reads on the staff's role."""
    taken = select(UsageSourceLink.tenant_id).where(UsageSourceLink.kind == kind, UsageSourceLink.removed_at.is_(None))
    wanted = select(Tenant.id, Tenant.name).where(Tenant.status != "closed", Tenant.id.not_in(taken))
    with tenancy.staff_session() as session:
        rows = session.execute(wanted.order_by(Tenant.name, Tenant.id).limit(MOST_TENANTS))
        return [(tenant_id, name) for tenant_id, name in rows]


def targets(source_id: UUID, *, actor: UUID) -> Sequence[Target]:
    """The source's own tenants, asked now. Raises SourceError subclasses and NotFound."""
    source = connections.get(source_id, actor=actor)
    return of_kind(source.kind).targets(connections.connection_of(source))


def preview(source_id: UUID, external_id: str, *, actor: UUID) -> Preview:
    """Measure one of the source's tenants and record nothing. Raises SourceError subclasses and NotFound."""
    source, target = _target(source_id, external_id, actor=actor)
    today = clock.now().astimezone(UTC).date()
    wanted = Wanted(target.id, today, datetime.combine(today, time(), UTC))
    return Preview(target, of_kind(source.kind).measure(connections.connection_of(source), wanted))


def link(source_id: UUID, tenant_id: UUID, external_id: str, *, actor: UUID) -> UUID:
    """Say that the tenant is this one of the source's; its first measurement is owed at once. Commits.

    Orders and invoices count from tomorrow (UTC) on: of today nobody could say which came before the link.
    Raises BadSource and SourceError subclasses, and NotFound for a tenant or a source that there is not.
    """
    source, target = _target(source_id, external_id, actor=actor)
    tomorrow = clock.now().astimezone(UTC).date() + timedelta(days=1)
    with tenancy.bound(tenant_id, user_id=actor):
        # Whoever links to this source takes turns: the other tenants' links are seen by another role's session.
        lookups.one(select(UsageSource.id).where(UsageSource.id == source.id).with_for_update())
        lookups.one(select(Tenant).where(Tenant.id == tenant_id))
        _refuse_second(source, tenant_id, target.id)
        row = UsageSourceLink(
            tenant_id=tenant_id,
            source_id=source.id,
            kind=source.kind,
            external_id=target.id,
            external_name=target.name,
            counts_from=tomorrow,
        )
        db.session.add(row)
        try:
            db.session.flush()
        except IntegrityError as error:
            raise AlreadyLinked from error
        said = {"source_id": source.id, "external_id": target.id, "counts_from": tomorrow.isoformat()}
        audit.record("source.link", "usage_source_link", row.id, after=said)
        pulling.owe(tenant_id, row.id, clock.now())
        db.session.commit()
        return row.id


def remove(link_id: UUID, *, actor: UUID) -> UUID:
    """Record nothing of it any more; what was recorded stays. Once more does nothing. Commits. Returns its source.

    Raises NotFound.
    """
    with tenancy.staff_session() as session:
        found = session.execute(
            select(UsageSourceLink.tenant_id, UsageSourceLink.source_id).where(UsageSourceLink.id == link_id)
        ).first()
    if found is None:
        raise NotFound
    with tenancy.bound(found.tenant_id, user_id=actor):
        row = lookups.for_update(UsageSourceLink, link_id)
        if row.removed_at is None:
            row.removed_at = clock.now()
            audit.record("source.unlink", "usage_source_link", row.id, before={"external_id": row.external_id})
            db.session.commit()
        return UUID(str(found.source_id))


def _target(source_id: UUID, external_id: str, *, actor: UUID) -> tuple[UsageSource, Target]:
    source = connections.get(source_id, actor=actor)
    if source.archived_at is not None:
        raise NotFound
    found = of_kind(source.kind).targets(connections.connection_of(source))
    target = next((each for each in found if each.id == external_id), None)
    if target is None:
        raise UnknownTenant
    return source, target


def _refuse_second(source: UsageSource, tenant_id: UUID, external_id: str) -> None:
    wanted = select(UsageSourceLink.tenant_id).where(
        UsageSourceLink.source_id == source.id,
        UsageSourceLink.external_id == external_id,
        UsageSourceLink.removed_at.is_(None),
        UsageSourceLink.tenant_id != tenant_id,
    )
    with tenancy.staff_session() as session:
        if session.scalars(wanted).first() is not None:
            raise ElsewhereLinked
