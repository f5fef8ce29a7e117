"""``flask usage …``: are the sums what the events say, and make them so."""

import click
from flask.cli import AppGroup
from sqlalchemy import select

from portal import tenancy
from portal.commands.roles import app_as
from portal.models import Tenant
from portal.usage import mending, verify

usage_group = AppGroup("usage", help="What tenants used.")


@usage_group.command("verify")
def verify_sums() -> None:
    """Add up all events that are kept, tenant by tenant, and compare with the sums. Ends with 1 when any differs.

    What else does not fit together is told, too: ids, events and sums without what they belong to, and charges of
    another quantity than their period's.
    """
    different = loose = 0
    with app_as("worker").app_context():
        with tenancy.reader_session() as session:
            tenants = session.execute(select(Tenant.id, Tenant.slug).order_by(Tenant.slug)).all()
        for tenant_id, slug in tenants:
            with tenancy.bound(tenant_id):
                found, others = verify.differences(), [*verify.values(), *verify.holes()]
            different += len(found)
            loose += len(others)
            for row in found:
                click.echo(f"{slug}: {row.resource_type} {row.grain} {row.bucket_at:%Y-%m-%d %H:%M}"
                           f" {row.source or '-'}: {row.found_total} instead of {row.expected_total}")  # fmt: skip
            for row in others:
                click.echo(f"{slug}: {row.what} {row.name} {row.at:%Y-%m-%d %H:%M}: {row.said}")
    click.echo(f"{len(tenants)} tenants, {different} sums are not what their events add up to")
    if loose:
        click.echo(f"{loose} ids, events, values or charges do not fit the others")
    if different or loose:
        raise SystemExit(1)


@usage_group.command("rebuild")
@click.argument("slug")
def rebuild_sums(slug: str) -> None:
    """Make the sums of the tenant SLUG anew from its events, in the periods where they differ. Charges stay."""
    with app_as("worker").app_context():
        with tenancy.reader_session() as session:
            tenant_id = session.scalar(select(Tenant.id).where(Tenant.slug == slug))
        if tenant_id is None:
            raise click.ClickException(f"there is no tenant {slug}")
        with tenancy.bound(tenant_id):
            click.echo(f"{slug}: {mending.mend()} sums differed and were made anew")
