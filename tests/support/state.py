"""What a tenant's purchase has come to, in a few words."""

from uuid import UUID

from sqlalchemy import func, select

from portal import tenancy
from portal.extensions import db
from portal.models import Invoice, InvoiceDocument, Notice, Subscription


def state(tenant_id: UUID) -> dict[str, object]:
    """What must be the same whatever happened to the deliveries."""
    with tenancy.bound(tenant_id):
        return {
            "subscriptions": [(row.plan_id, row.status) for row in db.session.scalars(select(Subscription))],
            "invoices": [
                (row.status, row.total_minor, row.document_state) for row in db.session.scalars(select(Invoice))
            ],
            "documents": db.session.scalar(select(func.count()).select_from(InvoiceDocument)),
            "notices": sorted({row.kind for row in db.session.scalars(select(Notice))}),
        }


EXPECTED = {
    "subscriptions": [("starter", "active")],
    "invoices": [("paid", 2900, "ready")],
    "documents": 1,
    "notices": ["invoice_issued", "subscription_started"],
}
NOTHING = {"subscriptions": [], "invoices": [], "documents": 0, "notices": []}
