"""``flask create-tenant``: a tenant with its owner, for installations without the demo."""

import click
from flask.cli import with_appcontext

from portal.billing import tenants
from portal.config import LANGUAGES
from portal.errors import DomainError
from portal.formats import known_locale
from portal.security import people


@click.command("create-tenant")
@click.argument("slug")
@click.option("--name", required=True, help="As it is printed on invoices.")
@click.option("--email", required=True, help="Where invoices go; also the owner's login.")
@click.option("--owner", default="", help="The owner's name; the address when left out.")
@click.option("--language", type=click.Choice(LANGUAGES), default="en", show_default=True)
@click.option("--formats", default="en_US", show_default=True, help="Locale of numbers and dates, such as es_MX.")
@click.password_option(help="The owner's, when this is a new user; asked for when left out.")
@with_appcontext
def create_tenant(slug: str, name: str, email: str, owner: str, language: str, formats: str, password: str) -> None:
    """Make the tenant SLUG and its owner; a user who exists already becomes the owner as well."""
    speech = {"language": language, "format_locale": known_locale(formats)}
    try:
        user_id = people.find_user_id(email) or people.create_user(email, owner or email, password, **speech)
        tenant_id = tenants.create(name, slug, email, **speech)
        people.add_member(tenant_id, user_id, "owner")
    except DomainError as error:
        raise click.ClickException(str(error.message)) from error
    click.echo(f"{slug} is tenant {tenant_id}, owned by {email}")
