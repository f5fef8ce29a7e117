"""What goes on while usage is reported: plans change, months are split by it, months that are over are closed."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from portal import clock, config, tenancy
from portal.app import create_app
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Subscription, UsagePeriod
from portal.outbox import stage
from portal.usage import closing, periods
from tests.pages import rows
from tests.support import database

PLANS = ("starter", "professional")  # a change to the second one splits the month
MONTH = timedelta(days=30)
SOON = timedelta(seconds=2)  # until the last month is due to be closed
PAUSE_SECONDS = (0.1, 0.6)


def settled(settings: config.Settings, tenant_ids: Sequence[UUID]) -> None:
    """Each tenant has a subscription and, still open for a moment, the month before this one."""
    starts_at = clock.now().replace(microsecond=0) - periods.GRACE + SOON
    with rows.written(settings) as session:
        session.execute(text("UPDATE plans SET usage_on_change = 'split' WHERE plan_id = 'professional'"))
        for tenant_id in tenant_ids:
            span = {"current_period_start": starts_at, "current_period_end": starts_at + MONTH}
            held = rows.subscription(session, tenant_id, **span)
            terms = {"subscription_id": held.id, "plan_id": held.plan_id, "currency": held.currency}
            last = {"starts_at": starts_at - MONTH, "ends_at": starts_at, "timezone": "UTC"}
            session.add(UsagePeriod(tenant_id=tenant_id, id=uuid7(), **last, **terms))


def go_on(
    settings: config.Settings, tenant_ids: Sequence[UUID], seed: int, over: threading.Event, done: Counter[str]
) -> None:
    """Change plans, owing a worker what follows from it, and close months, until it is over; counts what was done.

    Whatever fails because a server was killed is tried again at another turn.
    """
    chance, app = random.Random(f"{seed}-changes"), create_app("worker", settings=settings)
    due = clock.now() + SOON
    with app.app_context():
        while not over.wait(chance.uniform(*PAUSE_SECONDS)) or clock.now() < due:
            try:
                done["closed"] += closing.close_due()
                _change(chance.choice(tenant_ids))
                done["changed"] += 1
            except SQLAlchemyError:
                db.session.rollback()
        database.dispose(app)


def _change(tenant_id: UUID) -> None:
    with tenancy.bound(tenant_id):
        held = db.session.scalars(select(Subscription)).one()
        held.plan_id = PLANS[(PLANS.index(held.plan_id) + 1) % len(PLANS)]
        stage("usage.follow", f"usage.follow:{uuid7()}", tenant_id=tenant_id)
        db.session.commit()
