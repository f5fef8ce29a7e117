"""``flask publish-plans``."""

import click
from flask.cli import with_appcontext

from portal.billing import publish
from portal.commands.roles import app_as


@click.command("publish-plans")
@with_appcontext
def publish_plans() -> None:
    """Publish the plans to Stripe as products and prices. Safe to repeat."""
    with app_as("worker").app_context():
        click.echo(f"{publish.publish_plans()} prices on sale")
