"""``flask collection-policy``: what follows when an invoice stays unpaid, for all tenants."""

from datetime import timedelta

import click
from flask.cli import with_appcontext

from portal.billing import standing
from portal.commands.roles import app_as
from portal.models import PolicySettings


@click.command("collection-policy")
@click.option("--restricted-after", type=int, help="Days after which what goes beyond a plan is refused.")
@click.option("--suspended-after", type=int, help="Days after which a plan cannot be used.")
@click.option("--tries-by-hand", type=int, help="How often an invoice may be tried by hand in an hour.")
@with_appcontext
def collection_policy(restricted_after: int | None, suspended_after: int | None, tries_by_hand: int | None) -> None:
    """Show the policy for unpaid invoices, or change it; what is left out stays. Tenants follow within minutes."""
    with app_as("worker").app_context():
        now = standing.policy()
        asked = (restricted_after, suspended_after, tries_by_hand)
        if any(value is not None for value in asked):
            _change(now, *asked)
            now = standing.policy()
        click.echo(
            f"restricted after {now.restricted_after_days} days, suspended after {now.suspended_after_days} days,"
            f" {now.tries_by_hand_per_hour} tries by hand an hour"
        )


def _change(
    now: PolicySettings, restricted_after: int | None, suspended_after: int | None, tries_by_hand: int | None
) -> None:
    restricted = now.restricted_after_days if restricted_after is None else restricted_after
    suspended = now.suspended_after_days if suspended_after is None else suspended_after
    try:
        standing.set_policy(
            restricted_after=timedelta(days=restricted),
            suspended_after=timedelta(days=suspended),
            tries_by_hand_per_hour=now.tries_by_hand_per_hour if tries_by_hand is None else tries_by_hand,
        )
    except (standing.BadPolicy, OverflowError) as error:
        raise click.ClickException(standing.BadPolicy.message) from error
