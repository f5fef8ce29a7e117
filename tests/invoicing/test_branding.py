"""What is issued keeps the looks that it was issued with, and what comes later has the new ones."""

import pytest
from sqlalchemy import create_engine, select, text

from portal import tenancy
from portal.extensions import db
from portal.invoicing import branding, contents, subjects
from portal.invoicing.pdf import InvoiceDocument as Snapshot
from portal.models import Invoice, InvoiceDocument, Payment
from tests.pages.test_branding import png
from tests.support import people
from tests.support.shopping import buy

pytestmark = pytest.mark.usefixtures("pdf")

FIRST = branding.Brand(name="First, S.L.", city="Madrid", accent="#0b6e4f", footer="One", logo=png())
SECOND = branding.Brand(name="Second, S.L.", accent="#7a1f5c", footer="Two", legal={"en": "Terms."}, logo=png(8, 8))


@pytest.fixture(autouse=True)
def _as_before(web, settings):
    yield
    engine = create_engine(settings.role_url("owner"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE installation SET issuer = '{}', logo = NULL"))
    engine.dispose()


def issued(tenant, kind: str) -> InvoiceDocument:
    with tenancy.bound(tenant):
        return db.session.scalars(select(InvoiceDocument).where(InvoiceDocument.kind == kind)).one()


def test_a_change_of_looks_touches_nothing_issued(web, worker, tenant, stripe_sandbox, drain):
    keeper = people.staff("admin").user_id
    branding.change(FIRST, actor=keeper)
    buy(tenant, stripe_sandbox, drain)
    drain()
    before = issued(tenant, "invoice")
    branding.change(SECOND, actor=keeper)
    with tenancy.bound(tenant):
        payment = db.session.scalars(select(Payment)).one()
        subjects.request_document({"invoice_id": payment.invoice_id, "payment_id": payment.id})
    drain()
    after = issued(tenant, "invoice")
    assert (after.id, after.content, after.sha256, after.snapshot) == (
        before.id,
        before.content,
        before.sha256,
        before.snapshot,
    )
    invoiced = Snapshot.from_json(after.snapshot)
    assert (invoiced.issuer.name, invoiced.branding, invoiced.footer) == ("First, S.L.", FIRST.looks(), "One")
    with worker.app_context():
        assert worker.extensions["pdf_process"].render(invoiced).sha256 == after.sha256, "complete in itself"
    receipt = Snapshot.from_json(issued(tenant, "receipt").snapshot)
    assert (receipt.issuer.name, receipt.branding, receipt.footer) == ("First, S.L.", FIRST.looks(), "One")
    with tenancy.bound(tenant):
        later = contents.snapshot_of(db.session.scalars(select(Invoice)).one())
    assert (later.issuer.name, later.branding, later.legal) == ("Second, S.L.", SECOND.looks(), "Terms.")
