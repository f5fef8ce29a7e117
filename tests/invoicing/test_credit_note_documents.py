"""Credit notes and receipts are documents too: rendered once, frozen, mailed or asked for, failing in plain sight."""

import hashlib
import io

import pypdf
import pytest
from sqlalchemy import create_engine, select, text

from portal import tenancy
from portal.errors import NotFound
from portal.extensions import db
from portal.invoicing import subjects
from portal.invoicing.pdf import PdfProcess
from portal.models import CreditNote, InvoiceDocument, Notice, Payment
from portal.notices.kinds import KINDS
from tests.billing.test_adjustments import crediting, do
from tests.support import people
from tests.support.shopping import buy, make_tenant

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(name="bought")
def fixture_bought(web, tenant, stripe_sandbox, drain):
    """A tenant that paid its first invoice of 29.00."""
    buy(tenant, stripe_sandbox, drain, "starter")
    drain()
    return tenant


@pytest.fixture(name="owner")
def fixture_owner(settings):
    engine = create_engine(settings.role_url("owner"))
    yield engine
    engine.dispose()


def one(tenant, model):
    with tenancy.bound(tenant):
        return db.session.scalars(select(model)).one()


def named(row) -> dict[str, object]:
    key = "payment_id" if isinstance(row, Payment) else "credit_note_id"
    return {"invoice_id": row.invoice_id, key: row.id}


def issued(tenant, row) -> InvoiceDocument:
    with tenancy.bound(tenant):
        return subjects.document(named(row))[1]


def said(document: InvoiceDocument) -> str:
    pages = pypdf.PdfReader(io.BytesIO(document.content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def mails(tenant, kind) -> list[Notice]:
    with tenancy.bound(tenant):
        return list(db.session.scalars(select(Notice).where(Notice.kind == kind)))


def credit(tenant, drain) -> CreditNote:
    do(tenant, people.staff("finance").user_id, crediting(tenant, 1000, "refund", memo="Sorry for the outage"))
    drain()
    return one(tenant, CreditNote)


def test_a_credit_note_is_issued_with_its_document(bought, drain, owner):
    note = credit(bought, drain)
    assert note.document_state == "ready"
    document = issued(bought, note)
    assert document.sha256 == hashlib.sha256(document.content).digest()
    assert (document.kind, document.snapshot["total_minor"], document.snapshot["status"]) == (
        "credit_note",
        1000,
        "issued",
    )
    content = said(document)
    for part in (f"Credit note {note.number}", "$10.00", "Sorry for the outage", "Back to the payment method"):
        assert part in content
    with tenancy.bound(bought):
        notice = mails(bought, "credit_note_issued")[0]
        [attached] = KINDS["credit_note_issued"].compose(notice).attachments
    assert (attached.filename, attached.content) == (f"{note.number}.pdf", document.content)
    with owner.begin() as connection:
        connection.execute(text("UPDATE tenants SET name = 'Another Name'"))
        connection.execute(text("UPDATE outbox SET done_at = NULL, lease_until = NULL WHERE kind = 'document.render'"))
    drain()
    assert (issued(bought, note).id, issued(bought, note).content) == (document.id, document.content)


def test_a_credit_note_without_a_renderer_is_told_at_once_and_mended(bought, drain, worker):
    worker.extensions["pdf_process"] = PdfProcess(enabled=False)
    note = credit(bought, drain)
    assert note.document_state == "failed"
    assert {row.step for row in mails(bought, "credit_note_issued")} == {""}
    with pytest.raises(NotFound):
        issued(bought, note)
    del worker.extensions["pdf_process"]
    with tenancy.bound(bought):
        subjects.request_document(named(note))
        with pytest.raises(subjects.DocumentNotFailed):
            subjects.request_document(named(note))
    drain()
    assert one(bought, CreditNote).document_state == "ready"
    assert {row.step for row in mails(bought, "credit_note_issued")} == {"", "again"}


def test_a_receipt_is_made_when_it_is_asked_for_and_names_the_parties_of_the_invoice(bought, drain, owner):
    payment = one(bought, Payment)
    assert payment.document_state == "none"
    with owner.begin() as connection:
        connection.execute(text("UPDATE tenants SET name = 'Another Name'"))
        connection.execute(text("UPDATE billing_details SET legal_name = 'Another Name'"))
    with tenancy.bound(bought):
        subjects.request_document(named(payment))
    drain()
    document = issued(bought, payment)
    assert (document.kind, document.snapshot["customer"]["name"]) == ("receipt", "Acme Corp")
    content = said(document)
    for part in ("Receipt", "$29.00", "Payment method", "•••• 4242"):
        assert part in content
    with tenancy.bound(bought), pytest.raises(subjects.DocumentNotFailed):
        subjects.request_document(named(payment))


def test_what_is_not_paid_has_no_receipt(bought, owner):
    with owner.begin() as connection:
        connection.execute(text("UPDATE payments SET paid_at = NULL"))
    with tenancy.bound(bought), pytest.raises(NotFound):
        subjects.request_document(named(one(bought, Payment)))


def test_neither_another_tenant_nor_another_invoice_leads_to_a_document(bought, drain):
    note = credit(bought, drain)
    stranger = make_tenant()
    with tenancy.bound(stranger), pytest.raises(NotFound):
        subjects.document(named(note))
    with tenancy.bound(bought), pytest.raises(NotFound):
        subjects.document({**named(note), "invoice_id": stranger})


def test_no_statement_of_the_web_changes_what_stripe_owns(bought, drain):
    note = credit(bought, drain)
    for statement in ("UPDATE credit_notes SET total_minor = 0", "UPDATE payments SET amount_minor = 0"):
        with tenancy.bound(bought), pytest.raises(Exception, match="permission denied"):
            db.session.execute(text(statement))
    assert note.total_minor == 1000
