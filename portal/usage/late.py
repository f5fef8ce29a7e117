"""What was reported of periods that were closed: charged by their own terms, on the next invoice."""

from sqlalchemy import select

from portal.extensions import db
from portal.models import UsagePeriod
from portal.usage import charges


def add_up() -> None:
    """Charge what the bound tenant's closed periods cost beyond what they were charged for. Does not commit.

    Needs :func:`portal.usage.locks.alone`.
    """
    wanted = select(UsagePeriod).where(UsagePeriod.late_at.is_not(None), UsagePeriod.closed_at.is_not(None))
    for period in db.session.scalars(wanted.order_by(UsagePeriod.starts_at)).all():
        charges.add_up(period)
        period.late_at = None
