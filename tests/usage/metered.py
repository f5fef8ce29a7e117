"""What a tenant sends, and what is there of it afterwards."""

import json
from decimal import Decimal

from portal import tenancy
from portal.extensions import db
from portal.models import UsageEvent, UsageRollup
from portal.usage import ingest


def send(tenant_id, *events, **options):
    with tenancy.bound(tenant_id):
        receipt = ingest.record(json.dumps(events), **options)
        return [receipt.status(index) for index in range(receipt.items)]


def total(tenant_id, resource="api_calls", grain="period"):
    with tenancy.bound(tenant_id):
        found = db.session.scalars(
            db.select(UsageRollup.total).where(UsageRollup.resource_type == resource, UsageRollup.grain == grain)
        )
        return sum(found, Decimal(0))


def stored(tenant_id):
    with tenancy.bound(tenant_id):
        return db.session.scalar(db.select(db.func.count()).select_from(UsageEvent))


def call(quantity=1, **more):
    return {"resource_type": "api_calls", "quantity": quantity, **more}
