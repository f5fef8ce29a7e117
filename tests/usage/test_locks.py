"""A period is closed between reports, never in the middle of one."""

import json
import threading
from datetime import UTC, datetime, timedelta

from portal import tenancy
from portal.extensions import db
from portal.models import UsageCharge
from portal.usage import closing, ingest, periods
from tests.pages import rows
from tests.support.threads import app_of

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)


def test_a_report_that_is_under_way_is_in_the_charge(web, settings, tenant, monkeypatch):
    with rows.written(settings) as session:
        rows.subscription(session, tenant, current_period_start=START, current_period_end=END)
    now = END - timedelta(seconds=1)
    monkeypatch.setattr("portal.clock.stripe_now", lambda: now)
    event = {"resource_type": "api_calls", "quantity": 7, "timestamp": now.isoformat()}
    with tenancy.bound(tenant):
        period_id = periods.begin(now).id
        db.session.commit()
    closed = threading.Event()

    def close() -> None:
        with app_of("worker", settings).app_context(), tenancy.bound(tenant):
            closing.close(period_id)
        closed.set()

    with tenancy.bound(tenant), monkeypatch.context() as held:
        held.setattr(db.session, "commit", lambda: None)
        assert ingest.record_one(json.dumps(event)) == "accepted"
        held.undo()
        now = END + periods.GRACE
        monkeypatch.setattr("portal.clock.stripe_now", lambda: now)
        closer = threading.Thread(target=close)
        closer.start()
        assert not closed.wait(1)
        db.session.commit()
        closer.join(30)
    assert closed.is_set()
    with tenancy.bound(tenant):
        assert db.session.scalars(db.select(UsageCharge.quantity)).one() == 7
        assert ingest.record_one(json.dumps(event)) == "late"
