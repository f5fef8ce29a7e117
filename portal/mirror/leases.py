"""One reader at a time per Stripe object: a lease in its row, on the database's clock."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func as sql
from sqlalchemy import select, text, update

from portal import tenancy
from portal.extensions import db
from portal.leasing import affected, growing_delay, is_free, lapses_with_this, waited_out
from portal.models import StripeObject
from portal.outbox import LeaseLost

LEASE = timedelta(seconds=45)  # three reads of 15 s each
MAX_ATTEMPTS = 20
MAX_DELAY = timedelta(minutes=5)


@dataclass(frozen=True)
class Claim:
    """A claimed object; ``wanted`` is what the reading will satisfy."""

    object_id: str
    kind: str
    wanted: int
    token: UUID
    attempts: int
    lapses: int
    outages: int
    is_swept: bool  # nobody but the nightly sweep asked


# What a claim tells of its row, in the order of the fields of Claim.
_TOLD: tuple[Any, ...] = (
    StripeObject.id, StripeObject.kind, StripeObject.wanted, StripeObject.lease_token, StripeObject.attempts,
    StripeObject.lapses, StripeObject.outages,
    (sql.coalesce(StripeObject.swept, 0) == StripeObject.wanted).label("is_swept"),
)  # fmt: skip


def claim() -> Claim | None:
    """Take the lease of the next object that is wanted newer than seen, in a transaction of its own."""
    tenancy.fresh()
    due = (
        select(StripeObject.id)
        .where(
            StripeObject.seen < StripeObject.wanted,
            StripeObject.parked_at.is_(None),
            StripeObject.next_at <= sql.now(),
            is_free(StripeObject),
        )
        .order_by(StripeObject.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = db.session.execute(
        update(StripeObject)
        .where(StripeObject.id == due)
        .values(
            lease_token=uuid4(),
            lease_until=sql.now() + LEASE,
            attempts=StripeObject.attempts + 1,
            lapses=lapses_with_this(StripeObject),
        )
        .returning(*_TOLD),
        execution_options={"synchronize_session": False},
    ).first()
    db.session.commit()
    return None if row is None else Claim(*row)


def complete(claimed: Claim) -> None:
    """Say in the applying transaction what was seen. Raises LeaseLost when another reader took over:

    then this reading may be older than the other's, and must be rolled back.
    """
    _settle(
        claimed,
        seen=claimed.wanted,
        seen_at=sql.now(),
        attempts=0,
        outages=0,
        lease_token=None,
        lease_until=None,
        last_error=None,
    )


def postpone(claimed: Claim, error: str, *, seconds: float | None = None) -> None:
    """Give the object back for later, with growing delay unless ``seconds`` says when."""
    delay = growing_delay(claimed.attempts, MAX_DELAY) if seconds is None else timedelta(seconds=seconds)
    _settle(
        claimed,
        next_at=sql.now() + delay,
        outages=0,
        lease_token=None,
        lease_until=None,
        last_error=error[:500],
    )


def wait_out(claimed: Claim, error: str) -> None:
    """Give the object back, uncounted and with growing pauses, because Stripe does not answer.

    However long it takes: an outage must not leave objects behind that nobody reads again.
    """
    values = waited_out(StripeObject, claimed.outages)
    _settle(claimed, **values, lease_token=None, lease_until=None, last_error=error[:500])


def park(claimed: Claim, error: str) -> None:
    """Stop trying until the object is wanted again; staff are told by a finding."""
    _settle(claimed, parked_at=sql.now(), lease_token=None, lease_until=None, last_error=error[:500])


def has_due() -> bool:
    """Whether any object could be claimed now."""
    return bool(
        db.session.execute(
            text(
                "SELECT EXISTS (SELECT FROM stripe_objects WHERE seen < wanted AND parked_at IS NULL"
                " AND next_at <= now() AND (lease_until IS NULL OR lease_until < now()))"
            )
        ).scalar_one()
    )


def _settle(claimed: Claim, **values: object) -> None:
    result = db.session.execute(
        update(StripeObject)
        .where(StripeObject.id == claimed.object_id, StripeObject.lease_token == claimed.token)
        .values(**values),
        execution_options={"synchronize_session": False},
    )
    if affected(result) != 1:
        raise LeaseLost(claimed.object_id)
