"""From the worker to the page: an invoice that can be an e-invoice is one, and one that cannot says what it lacked."""

import io

import pikepdf
import pytest
from sqlalchemy import create_engine, select, text

from portal import tenancy
from portal.errors import NotFound
from portal.extensions import db
from portal.invoicing import subjects
from portal.invoicing.einvoices import UBL, failures
from portal.models import CreditNote, Invoice, InvoiceDocument
from tests.billing.test_adjustments import crediting, do
from tests.support import people
from tests.support.shopping import buy

pytestmark = pytest.mark.usefixtures("pdf")

ISSUER = (
    '{"name": "NEO", "line1": "Alcalá 42", "city": "Madrid", "postal_code": "28014", "country": "ES",'
    ' "tax_id": "ESB12345674"}'
)
ADDRESS = """
    UPDATE billing_details SET line1 = 'Torstraße 140', city = 'Berlin', postal_code = '10119', country = 'DE',
      tax_id = 'DE136695976'"""


@pytest.fixture(name="owner")
def fixture_owner(web, settings):
    engine = create_engine(settings.role_url("owner"))
    yield engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE installation SET issuer = '{}'"))
    engine.dispose()


def the_invoice(tenant) -> Invoice:
    with tenancy.bound(tenant):
        return db.session.scalars(select(Invoice)).one()


def test_an_invoice_and_its_credit_note_are_e_invoices(owner, tenant, stripe_sandbox, drain):
    with owner.begin() as connection:
        connection.execute(text("UPDATE installation SET issuer = CAST(:issuer AS jsonb)"), {"issuer": ISSUER})
        connection.execute(text(ADDRESS))
    buy(tenant, stripe_sandbox, drain)
    do(tenant, people.staff("finance").user_id, crediting(tenant, 1000, "balance"))
    drain()
    with tenancy.bound(tenant):
        documents = {row.kind: row for row in db.session.scalars(select(InvoiceDocument))}
        note = db.session.scalars(select(CreditNote)).one()
        states = subjects.e_invoices(note.invoice_id)
        made = [subjects.ubl({"invoice_id": note.invoice_id, **more})[1] for more in ({}, {"credit_note_id": note.id})]
    assert {key: state.is_there for key, state in states.items()} == {note.invoice_id: True, note.id: True}
    for kind in ("invoice", "credit_note"):
        with pikepdf.open(io.BytesIO(documents[kind].content)) as pdf:
            assert list(pdf.attachments) == ["factur-x.xml"]
    assert [failures(xml, UBL) for xml in made] == [[], []]
    assert b"<cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu" in made[0]
    assert note.number.encode() in made[1]


def test_without_addresses_it_is_issued_as_a_plain_pdf(owner, tenant, stripe_sandbox, drain):
    with owner.begin() as connection:
        connection.execute(text("UPDATE billing_details SET line1 = '', city = ''"))
    buy(tenant, stripe_sandbox, drain)
    invoice = the_invoice(tenant)
    with tenancy.bound(tenant):
        state = subjects.e_invoices(invoice.id)[invoice.id]
        with pytest.raises(NotFound):
            subjects.ubl({"invoice_id": invoice.id})
    assert (invoice.document_state, state.is_there) == ("ready", False)
    assert {"line1", "city"} <= set(state.lacks("customer"))
    assert {"line1", "tax_id"} <= set(state.lacks("issuer"))
