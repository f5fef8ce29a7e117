"""What staff see of all tenants: read on the staff role, which can write nothing and sees no password.

Rows come by Core, lists page by keyset (design §6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from portal import tenancy
from portal.errors import NotFound
from portal.models import (
    AuditEntry,
    DriftFinding,
    Heartbeat,
    Invoice,
    Membership,
    OutboxRow,
    StripeEvent,
    StripeObject,
    Subscription,
    Tenant,
    User,
)

PAGE_SIZE = 50
_SHOWN = 20
_STALE_AFTER = timedelta(minutes=2)

Rows = Sequence[Row[*tuple[Any, ...]]]
Query = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Work:
    """How much is owed: open and due now, given up, and since how many seconds the oldest due row waits."""

    due: int
    dead: int
    oldest_due_seconds: int


@dataclass(frozen=True)
class Overview:
    """The staff's first page."""

    tenant_count: int
    subscriptions: Mapping[str, int]
    work: Work
    findings: Rows
    parked_events: Rows
    parked_objects: Rows
    dead_work: Rows
    heartbeats: Rows


@dataclass(frozen=True)
class TenantPage:
    """A page of tenants, the newest first; ``next_after`` is where the next one begins."""

    rows: Rows
    next_after: UUID | None


@dataclass(frozen=True)
class TenantView:
    """One tenant as staff see it."""

    tenant: Row[*tuple[Any, ...]]
    members: Rows
    subscriptions: Rows
    invoices: Rows
    audit: Rows


def overview() -> Overview:
    """What needs a look now: findings, parked events, dead work, silent processes."""
    with tenancy.staff_session() as session:
        return Overview(
            tenant_count=session.scalar(select(func.count()).select_from(Tenant)) or 0,
            subscriptions=_subscriptions_by_status(session),
            work=_work(session),
            findings=_rows(session, _open_findings()),
            parked_events=_rows(session, _parked_events()),
            parked_objects=_rows(session, _parked_objects()),
            dead_work=_rows(session, _dead_work()),
            heartbeats=_rows(session, _heartbeats()),
        )


def tenants(after: UUID | None = None, limit: int = PAGE_SIZE) -> TenantPage:
    """The tenants that came before ``after``, with the status of their live subscription."""
    live = (
        select(Subscription.tenant_id, Subscription.plan_id, Subscription.status)
        .where(Subscription.superseded_reason.is_(None), Subscription.ended_at.is_(None))
        .ext(distinct_on(Subscription.tenant_id))
        .order_by(Subscription.tenant_id, Subscription.created_at.desc())
        .subquery()
    )
    wanted = (
        select(Tenant.id, Tenant.name, Tenant.slug, Tenant.email, Tenant.status, Tenant.created_at)
        .add_columns(live.c.plan_id, live.c.status.label("subscription_status"))
        .outerjoin(live, live.c.tenant_id == Tenant.id)
        .order_by(Tenant.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        wanted = wanted.where(Tenant.id < after)
    with tenancy.staff_session() as session:
        rows = _rows(session, wanted)
    has_more = len(rows) > limit
    return TenantPage(rows[:limit], rows[limit - 1].id if has_more else None)


def tenant(tenant_id: UUID) -> TenantView:
    """One tenant with its people, subscriptions, latest invoices and acts. Raises NotFound."""
    with tenancy.staff_session() as session:
        found = session.execute(select(*Tenant.__table__.columns).where(Tenant.id == tenant_id)).first()
        if found is None:
            raise NotFound
        return TenantView(
            tenant=found,
            members=_rows(session, _members(tenant_id)),
            subscriptions=_rows(session, _subscriptions(tenant_id)),
            invoices=_rows(session, _invoices(tenant_id)),
            audit=_rows(session, _acts(tenant_id)),
        )


def _rows(session: Session, wanted: Query) -> Rows:
    return session.execute(wanted).all()


def _subscriptions_by_status(session: Session) -> Mapping[str, int]:
    counted = select(Subscription.status, func.count()).where(Subscription.superseded_reason.is_(None))
    rows = session.execute(counted.group_by(Subscription.status)).all()
    return {row[0]: row[1] for row in rows}


def _work(session: Session) -> Work:
    is_open = OutboxRow.done_at.is_(None) & OutboxRow.dead_at.is_(None)
    is_due = is_open & (OutboxRow.next_at <= func.now())
    waiting = func.extract("epoch", func.now() - func.min(OutboxRow.next_at).filter(is_due))
    row = session.execute(
        select(
            func.count().filter(is_due),
            func.count().filter(OutboxRow.dead_at.is_not(None)),
            func.coalesce(waiting, 0),
        ).where(OutboxRow.done_at.is_(None))
    ).one()
    return Work(due=row[0], dead=row[1], oldest_due_seconds=int(row[2]))


def _open_findings() -> Query:
    return (
        select(DriftFinding.id, DriftFinding.tenant_id, DriftFinding.kind, DriftFinding.object_id)
        .add_columns(DriftFinding.created_at)
        .where(DriftFinding.resolved_at.is_(None))
        .order_by(DriftFinding.id.desc())
        .limit(_SHOWN)
    )


def _parked_events() -> Query:
    return (
        select(StripeEvent.id, StripeEvent.type, StripeEvent.parked_reason, StripeEvent.received_at)
        .where(StripeEvent.parked_reason.is_not(None))
        .order_by(StripeEvent.received_at.desc())
        .limit(_SHOWN)
    )


def _parked_objects() -> Query:
    return (
        select(StripeObject.id, StripeObject.kind, StripeObject.last_error, StripeObject.parked_at)
        .where(StripeObject.parked_at.is_not(None))
        .order_by(StripeObject.parked_at.desc())
        .limit(_SHOWN)
    )


def _dead_work() -> Query:
    return (
        select(OutboxRow.id, OutboxRow.tenant_id, OutboxRow.kind, OutboxRow.attempts, OutboxRow.last_error)
        .add_columns(OutboxRow.dead_at)
        .where(OutboxRow.dead_at.is_not(None))
        .order_by(OutboxRow.dead_at.desc())
        .limit(_SHOWN)
    )


def _heartbeats() -> Query:
    is_silent = (Heartbeat.seen_at < func.now() - _STALE_AFTER).label("is_silent")
    return select(Heartbeat.name, Heartbeat.kind, Heartbeat.seen_at, is_silent).order_by(Heartbeat.name)


def _members(tenant_id: UUID) -> Query:
    return (
        select(User.id, User.name, User.email, User.disabled_at, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.tenant_id == tenant_id)
        .order_by(User.name, User.id)
        .limit(_SHOWN)
    )


def _subscriptions(tenant_id: UUID) -> Query:
    return (
        select(*Subscription.__table__.columns)
        .where(Subscription.tenant_id == tenant_id)
        .order_by(Subscription.id.desc())
        .limit(_SHOWN)
    )


def _invoices(tenant_id: UUID) -> Query:
    return (
        select(*Invoice.__table__.columns)
        .where(Invoice.tenant_id == tenant_id)
        .order_by(Invoice.id.desc())
        .limit(_SHOWN)
    )


def _acts(tenant_id: UUID) -> Query:
    return (
        select(AuditEntry.sequence, AuditEntry.at, AuditEntry.actor_kind, AuditEntry.actor_id, AuditEntry.verb)
        .add_columns(AuditEntry.object_kind, AuditEntry.object_id)
        .where(AuditEntry.tenant_id == tenant_id)
        .order_by(AuditEntry.sequence.desc())
        .limit(_SHOWN)
    )
