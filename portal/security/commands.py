"""``flask audit verify`` and ``flask create-staff``."""

import click
from flask.cli import AppGroup, with_appcontext

from portal.errors import DomainError
from portal.models.users import STAFF_ROLES
from portal.security import audit, people

audit_group = AppGroup("audit", help="The audit chain.")


@audit_group.command("verify")
def verify() -> None:
    """Recompute every chain; exit code 1 and one line per fault when one does not hold."""
    chains, faults = audit.verify_all()
    for fault in faults:
        click.echo(f"tenant {fault.tenant_id} entry {fault.sequence}: {fault.problem}")
    click.echo(f"{chains} chains verified, {len(faults)} faults")
    if faults:
        raise SystemExit(1)


@click.command("create-staff")
@click.argument("email")
@click.option("--name", default="", help="Shown on pages; the address when left out.")
@click.option("--role", type=click.Choice(STAFF_ROLES), default="read_only", show_default=True)
@click.password_option(help="For a new user; asked for when left out.")
@with_appcontext
def create_staff(email: str, name: str, role: str, password: str) -> None:
    """Make EMAIL a member of staff: creates the user where needed, then sets the staff role."""
    try:
        user_id = people.find_user_id(email) or people.create_user(email, name or email, password)
        people.grant_staff_role(user_id, role)
    except DomainError as error:
        raise click.ClickException(str(error.message)) from error
    click.echo(f"{people.normal_email(email)} is staff: {role}")
