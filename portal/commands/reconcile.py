"""``flask reconcile``: look now for what no delivery told."""

import time

import click
from flask.cli import with_appcontext

from portal.commands.roles import app_as
from portal.gateway.errors import StripeFailure
from portal.gateway.kinds import POLLED
from portal.mirror import missed_events, sweep


@click.command("reconcile")
@with_appcontext
def reconcile() -> None:
    """Look through Stripe's list of events, and have everything that should be live read again.

    The workers read, ten objects a second. Safe to repeat and to break off.
    """
    with app_as("worker").app_context():
        try:
            missed = sum(_missed(group) for group in POLLED)
            click.echo(f"{missed} events had not been delivered")
            wanted, strangers = _sweep()
        except StripeFailure as error:
            raise click.ClickException(f"Stripe does not answer ({error.code}); run it again later.") from error
    click.echo(f"{wanted} objects are read again, {strangers} at Stripe belong to nobody here")


def _missed(group: str) -> int:
    missed, is_done = 0, False
    while not is_done:
        looked = missed_events.look(group)
        missed, is_done = missed + looked.missed, looked.is_done
    return missed


def _sweep() -> tuple[int, int]:
    swept = sweep.advance(anew=True)
    wanted, strangers = swept.wanted, swept.strangers
    while not swept.is_done:
        time.sleep(swept.pause)
        swept = sweep.advance()
        wanted, strangers = wanted + swept.wanted, strangers + swept.strangers
    return wanted, strangers
