"""What staff decide about money that goes back: when two people are needed, and what a dispute does to a plan."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update

from portal import clock, tenancy
from portal.errors import Invalid
from portal.extensions import db
from portal.models import PolicySettings
from portal.security import audit

DISPUTE_OPENED, DISPUTE_LOST = ("nothing", "stop_renewal"), ("nothing", "end_now")
_LARGEST = Decimal(10) ** 9


class BadMoneyPolicy(Invalid):
    code = "bad_money_policy"
    message = "The amount must be between 0 and 1,000,000,000, or empty for never."


@dataclass(frozen=True)
class MoneyPolicy:
    """``second_person_above``: in whole units of any currency; ``None``: one person decides alone."""

    second_person_above: Decimal | None
    dispute_opened_action: str
    dispute_lost_action: str


def current() -> MoneyPolicy:
    """The policy that holds now."""
    row = db.session.scalars(select(PolicySettings)).one()
    return MoneyPolicy(row.second_person_above, row.dispute_opened_action, row.dispute_lost_action)


def change(policy: MoneyPolicy, *, actor: UUID) -> None:
    """Set it, from the next adjustment or dispute on. Commits. ``actor``: of the staff's admin or finance.

    Raises :class:`BadMoneyPolicy`.
    """
    above = policy.second_person_above
    if above is not None and not 0 <= above <= _LARGEST:
        raise BadMoneyPolicy
    if policy.dispute_opened_action not in DISPUTE_OPENED or policy.dispute_lost_action not in DISPUTE_LOST:
        raise BadMoneyPolicy
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        before = current()
        if before == policy:
            return
        db.session.execute(update(PolicySettings).values(**asdict(policy), changed_at=clock.now()))
        audit.record("policy.change", "settings", "money", before=_said(before), after=_said(policy))
        db.session.commit()


def _said(policy: MoneyPolicy) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in asdict(policy).items()}
