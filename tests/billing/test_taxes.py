"""Invoices with tax: their rates are named by id, and Stripe lets nobody expand them there."""

from sqlalchemy import select

from portal import tenancy
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.inbox import want
from portal.models import Customer, Invoice
from tests.support.shopping import buy


def test_a_taxed_invoice_is_mirrored_with_the_name_and_percentage_of_its_rate(web, tenant, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain)
    with tenancy.bound(tenant):
        customer = str(db.session.scalars(select(Customer.stripe_customer_id)).one())
    write = gateway().write
    terms = {"display_name": "IVA", "percentage": 21, "inclusive": False}
    rate = write(lambda s: s.v1.tax_rates.create(terms)).id
    invoice = write(lambda s: s.v1.invoices.create({"customer": customer, "default_tax_rates": [rate]})).id
    item = {"customer": customer, "invoice": invoice, "amount": 1000, "currency": "usd", "description": "Training"}
    write(lambda s: s.v1.invoice_items.create(item))
    write(lambda s: s.v1.invoices.finalize_invoice(invoice))
    with tenancy.bound(tenant):
        want(invoice, "invoice")
        db.session.commit()
    drain()
    with tenancy.bound(tenant):
        row = db.session.scalars(select(Invoice).where(Invoice.stripe_invoice_id == invoice)).one()
        assert (row.tax_minor, row.total_minor) == (210, 1210)
        assert [(tax["name"], tax["percent"], tax["amount_minor"]) for tax in row.taxes] == [("IVA", "21", 210)]
