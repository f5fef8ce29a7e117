"""What a subscription's reading means for usage: its periods may have moved, begun or ended (usage follows)."""

from portal.extensions import db
from portal.ids import uuid7
from portal.models import Subscription
from portal.outbox import stage

KIND = "usage.follow"
CHARGE = "usage_charge"  # metadata of an invoice item: which charge of ours it is
Shape = tuple[object, ...]


def shape_of(row: Subscription | None) -> Shape | None:
    """What periods of usage hang on; compared before and after a reading is applied."""
    if row is None:
        return None
    return (
        row.is_live, row.status == "trialing", row.plan_id, row.currency, row.interval,
        row.current_period_start, row.current_period_end, row.ended_at,
    )  # fmt: skip


def follow(row: Subscription, before: Shape | None) -> None:
    """Owe the tenant's periods a new look when something of that has changed. In the applying transaction."""
    db.session.flush()
    if shape_of(row) != before:
        stage(KIND, f"{KIND}:{uuid7()}", tenant_id=row.tenant_id)
