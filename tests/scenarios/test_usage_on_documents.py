"""Usage that is charged for is told day by day on the invoice's document."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.extensions import db
from portal.invoicing.pdf import InvoiceDocument as Snapshot
from portal.models import InvoiceDocument
from tests.scenarios.test_usage import fixture_close, fixture_sold, report  # noqa: F401  (two are fixtures)

pytestmark = pytest.mark.usefixtures("pdf")


def test_the_renewals_document_tells_the_days_of_what_it_charges(life, sold, close):
    life.buy()
    end = life.subscription.current_period_end
    report(life, 12_346)
    life.advance_to(end + timedelta(minutes=46))
    close()
    life.advance(hours=1)
    life.drain()
    with tenancy.bound(life.tenant_id):
        rows = db.session.scalars(select(InvoiceDocument).order_by(InvoiceDocument.id)).all()
        first, renewal = [Snapshot.from_json(row.snapshot) for row in rows]
    assert first.usage == ()
    [used] = renewal.usage
    assert (used.quantity, used.included, used.beyond) == (12_346, 10_000, 2_346)
    assert sum(entry.quantity for entry in used.days) == 12_346
