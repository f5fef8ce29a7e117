"""``flask usage …``: are the sums what the events say?"""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from portal import tenancy
from portal.commands.roles import app_as
from portal.models import Tenant
from portal.usage import verify

usage_group = AppGroup("usage", help="What tenants used.")


@usage_group.command("verify")
def verify_sums() -> None:
    """Add up all events that are kept, tenant by tenant, and compare with the sums. Ends with 1 when any differs."""
    different = 0
    with app_as("worker").app_context():
        with tenancy.reader_session() as session:
            tenants = session.execute(select(Tenant.id, Tenant.slug).order_by(Tenant.slug)).all()
        for tenant_id, slug in tenants:
            with tenancy.bound(tenant_id):
                found = verify.differences()
            different += len(found)
            for row in found:
                click.echo(f"{slug}: {row.resource_type} {row.grain} {row.bucket_at:%Y-%m-%d %H:%M}"
                           f" {row.source or '-'}: {row.found_total} instead of {row.expected_total}")  # fmt: skip
    click.echo(f"{len(tenants)} tenants, {different} sums are not what their events add up to")
    if different:
        raise SystemExit(1)
