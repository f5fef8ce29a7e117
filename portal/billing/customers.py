"""The tenant at Stripe: made once, whatever is clicked twice."""

from typing import TYPE_CHECKING

from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.gateway.client import gateway, keyed
from portal.models import Customer, StripeCustomer, Tenant

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import CustomerCreateParams, CustomerUpdateParams


def ensure_row() -> None:
    """Make the bound tenant's customer row, in the current transaction; it is there before Stripe's customer."""
    db.session.execute(insert(Customer).values(tenant_id=tenancy.require_tenant()).on_conflict_do_nothing())


def ensure_stripe_customer() -> str:
    """The bound tenant's Stripe customer, made when there is none. Commits. Returns its id.

    The idempotency key is the tenant: two requests at once, or one whose answer was lost, get one customer.
    """
    tenant_id = tenancy.require_tenant()
    row = db.session.get_one(Customer, tenant_id)
    tenant = db.session.get_one(Tenant, tenant_id)
    db.session.commit()
    if row.stripe_customer_id:
        return row.stripe_customer_id
    # Constant parameters: a repeat after the tenant was renamed would otherwise be refused as another request.
    params: CustomerCreateParams = {"metadata": {"tenant_id": str(tenant_id)}}
    created = gateway().write(lambda s: s.v1.customers.create(params, keyed(f"customer:{tenant_id}")))
    gateway().write(lambda s: s.v1.customers.update(created.id, _shown(tenant)))
    row.stripe_customer_id = created.id
    db.session.execute(
        insert(StripeCustomer).values(customer_id=created.id, tenant_id=tenant_id).on_conflict_do_nothing()
    )
    db.session.commit()
    return created.id


def _shown(tenant: Tenant) -> "CustomerUpdateParams":
    return {
        "name": tenant.name,
        "email": tenant.email,
        "preferred_locales": [tenant.language.replace("_", "-")],
    }
