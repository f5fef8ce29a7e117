"""Claiming, finishing and postponing outbox rows. Leases live on the database's clock."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import func as sql
from sqlalchemy import select, text, update

from portal import tenancy
from portal.extensions import db
from portal.leasing import affected, growing_delay, is_free, lapses_with_this, waited_out
from portal.models import OutboxRow
from portal.outbox import wake
from portal.outbox.work import Work

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 20
MAX_DELAY = timedelta(minutes=10)
# What a claim tells of its row, in the order of the fields of Work.
_TOLD = (
    OutboxRow.id, OutboxRow.kind, OutboxRow.key, OutboxRow.lease_token, OutboxRow.tenant_id, OutboxRow.payload,
    OutboxRow.attempts, OutboxRow.lapses, OutboxRow.outages,
)  # fmt: skip


class LeaseLost(RuntimeError):
    """Somebody else holds the row now; the transaction that noticed it must not commit."""


def claim() -> Work | None:
    """Take the lease of the next due row, in a transaction of its own; ``None`` when nothing is due."""
    tenancy.fresh()
    due = (
        select(OutboxRow.id)
        .where(
            OutboxRow.done_at.is_(None),
            OutboxRow.dead_at.is_(None),
            OutboxRow.next_at <= sql.now(),
            is_free(OutboxRow),
        )
        .order_by(OutboxRow.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = db.session.execute(
        update(OutboxRow)
        .where(OutboxRow.id == due)
        .values(
            lease_token=uuid4(),
            lease_until=sql.now() + LEASE,
            attempts=OutboxRow.attempts + 1,
            lapses=lapses_with_this(OutboxRow),
        )
        .returning(*_TOLD),
        execution_options={"synchronize_session": False},
    ).first()
    db.session.commit()
    return None if row is None else Work(*row)


def finish(work: Work) -> None:
    """Mark the work done in the current transaction, together with its result.

    Raises :class:`LeaseLost` when the lease has passed on: the caller's result must then be rolled back.
    """
    _settle(work, done_at=sql.now(), last_error=None)


def postpone(work: Work, seconds: float, reason: str) -> None:
    """Give the row back for later, uncounted: waiting is not failing."""
    _settle(
        work,
        next_at=sql.now() + timedelta(seconds=seconds),
        attempts=OutboxRow.attempts - 1,
        outages=0,
        lease_token=None,
        lease_until=None,
        last_error=reason[:500],
    )


def fail(work: Work, error: str) -> bool:
    """Give the row back with growing delay. Returns whether it was given up (``dead_at`` set)."""
    if work.attempts >= MAX_ATTEMPTS:
        give_up(work, error)
        return True
    _settle(
        work,
        next_at=sql.now() + growing_delay(work.attempts, MAX_DELAY),
        outages=0,
        lease_token=None,
        lease_until=None,
        last_error=error[:500],
    )
    return False


def give_up(work: Work, error: str) -> None:
    """Never try it again; staff may."""
    _settle(work, dead_at=sql.now(), last_error=error[:500])


def wait_out(work: Work, error: str) -> None:
    """Give the row back, uncounted and with growing pauses: for outages, which end some day."""
    values = waited_out(OutboxRow, work.outages)
    _settle(work, **values, lease_token=None, lease_until=None, last_error=error[:500])


def release(work: Work, reason: str) -> None:
    """Give the row back at once, in the current transaction: a worker does what the request could not."""
    _settle(work, lease_until=sql.now(), last_error=reason[:500])
    wake.after_commit()


def has_due() -> bool:
    """Whether any row could be claimed now."""
    return bool(
        db.session.execute(
            text(
                "SELECT EXISTS (SELECT FROM outbox WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= now()"
                " AND (lease_until IS NULL OR lease_until < now()))"
            )
        ).scalar_one()
    )


def settle(works: Sequence[Work], **values: object) -> None:
    """Change the open rows of one claim in the current transaction.

    Raises :class:`LeaseLost` when one of them has passed on.
    """
    result = db.session.execute(
        update(OutboxRow)
        .where(
            OutboxRow.id == sql.any_([work.id for work in works]),
            OutboxRow.lease_token == works[0].token,
            OutboxRow.done_at.is_(None),
            OutboxRow.dead_at.is_(None),
        )
        .values(**values),
        execution_options={"synchronize_session": False},
    )
    if affected(result) != len(works):
        raise LeaseLost(works[0].key)


def _settle(work: Work, **values: object) -> None:
    settle([work], **values)
