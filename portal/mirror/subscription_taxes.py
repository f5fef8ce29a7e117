"""Whether Stripe taxes a subscription as the portal decided; where it does not, that is owed (billing.tax_works)."""

import hashlib
from typing import Any

from portal import tax_terms
from portal.extensions import db
from portal.models import BillingDetails, Customer, Subscription
from portal.outbox import stage
from portal.pricing.taxation import Outcome

KIND = "tax.apply"


def follow(row: Subscription, resource: dict[str, Any]) -> None:
    """Keep how Stripe taxes the bound tenant's subscription, and owe the change to how it is meant to be.

    Nothing is owed twice for the same difference on a day: what Stripe refuses is not asked for with every reading.
    A schedule's next phase, which brings back the rates that it was made with, is another difference.
    """
    row.tax_rates = [rate["id"] for rate in resource["default_tax_rates"] or []]
    row.automatic_tax = resource["automatic_tax"]["enabled"]
    if not row.is_live:
        return
    meant = tax_terms.current()
    if meant.kind != "unmanaged" and not is_as_meant(row, meant):
        stage(KIND, _key(row, meant), tenant_id=row.tenant_id, payload={"subscription_id": str(row.id)})


def is_as_meant(row: Subscription, meant: Outcome) -> bool:
    """Whether subscription and customer are at Stripe as the outcome wants them."""
    customer = db.session.get_one(Customer, row.tenant_id)
    has = (row.tax_rates, row.automatic_tax, customer.tax_exempt)
    return has == (meant.rate_ids, meant.is_automatic, meant.tax_exempt)


def _key(row: Subscription, meant: Outcome) -> str:
    """Of the difference, of what it came from, and of the day: once a day is enough for what Stripe refuses."""
    details = db.session.get(BillingDetails, row.tenant_id)
    customer = db.session.get_one(Customer, row.tenant_id)
    parts = (
        0 if details is None else details.version, tax_terms.policy().version, row.current_period_start,
        row.synced_at.date(), row.tax_rates, row.automatic_tax, customer.tax_exempt,
        meant.rate_ids, meant.is_automatic, meant.tax_exempt,
    )  # fmt: skip
    return f"{KIND}:{row.id}:{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"
