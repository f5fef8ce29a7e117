"""Documents by the worker: rendered once, frozen, failing in plain sight."""

import hashlib

import pytest
from sqlalchemy import create_engine, select, text

from portal import tenancy
from portal.extensions import db
from portal.invoicing import contents, documents, subjects
from portal.invoicing.pdf import PdfProcess, PdfTimeout
from portal.models import Invoice, InvoiceDocument, Notice
from tests.support.shopping import buy

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(name="owner")
def fixture_owner(settings):
    engine = create_engine(settings.role_url("owner"))
    yield engine
    engine.dispose()


def the_invoice(tenant_id):
    with tenancy.bound(tenant_id):
        return db.session.scalars(select(Invoice)).one()


def the_document(tenant_id):
    with tenancy.bound(tenant_id):
        return db.session.scalars(select(InvoiceDocument)).first()


def test_the_billing_period_is_that_of_the_lines(web, drain, tenant, stripe_sandbox):
    """Stripe's own period of an invoice is the one in which its items were collected: a moment, for a first one."""
    buy(tenant, stripe_sandbox, drain)
    invoice = the_invoice(tenant)
    assert invoice.period_start == invoice.period_end
    with tenancy.bound(tenant):
        document = contents.snapshot_of(db.session.scalars(select(Invoice)).one())
    [line] = document.lines
    assert (document.period_start, document.period_end) == (line.period_start, line.period_end)
    assert 28 <= (document.period_end - document.period_start).days <= 31


class Broken(PdfProcess):
    """A renderer that never finishes in time."""

    tries = 0

    def render(self, _document):
        Broken.tries += 1
        raise PdfTimeout


def test_a_failed_document_says_so_and_can_be_tried_again(web, worker, owner, tenant, stripe_sandbox, drain):
    worker.extensions["pdf_process"] = Broken()
    buy(tenant, stripe_sandbox, drain)
    for _try in range(documents.TRIES):
        with owner.begin() as connection:
            connection.execute(text("UPDATE outbox SET next_at = now()"))
        drain()
    assert Broken.tries == documents.TRIES
    invoice = the_invoice(tenant)
    assert (invoice.status, invoice.document_state) == ("paid", "failed")
    assert the_document(tenant) is None
    with tenancy.reader_session() as session:
        assert session.scalar(text("SELECT object_id FROM drift_findings WHERE kind = 'document_failed'")) == str(
            invoice.id
        )
    del worker.extensions["pdf_process"]
    with tenancy.bound(tenant):
        subjects.request_document({"invoice_id": invoice.id})
        with pytest.raises(subjects.DocumentNotFailed):
            subjects.request_document({"invoice_id": invoice.id})
    drain()
    assert the_invoice(tenant).document_state == "ready"
    document = the_document(tenant)
    assert document.sha256 == hashlib.sha256(document.content).digest()
    with tenancy.bound(tenant):
        steps = {row.step for row in db.session.scalars(select(Notice).where(Notice.kind == "invoice_issued"))}
    assert steps == {"", "again"}  # told at once without the document, and again with it


def test_switched_off_it_fails_at_once_and_plainly(web, worker, tenant, stripe_sandbox, drain):
    worker.extensions["pdf_process"] = PdfProcess(enabled=False)
    buy(tenant, stripe_sandbox, drain)
    assert the_invoice(tenant).document_state == "failed"


def test_what_is_issued_is_frozen(web, owner, tenant, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain)
    before = the_document(tenant)
    with owner.begin() as connection:
        connection.execute(text("UPDATE tenants SET name = 'Another Name'"))
        connection.execute(text("UPDATE billing_details SET legal_name = 'Another Name'"))
        connection.execute(text("UPDATE outbox SET done_at = NULL, lease_until = NULL WHERE kind = 'document.render'"))
    drain()
    after = the_document(tenant)
    assert (after.id, after.content, after.snapshot) == (before.id, before.content, before.snapshot)
    assert before.snapshot["customer"]["name"] == "Acme Corp"
