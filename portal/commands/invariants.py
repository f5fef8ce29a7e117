"""``flask invariants``: what must hold for money, looked up in the whole database."""

import click
from flask.cli import with_appcontext

from portal import invariants as rules
from portal import tenancy


@click.command("invariants")
@with_appcontext
def invariants() -> None:
    """Check all invariants of money; ends with 1 and the rows when one does not hold."""
    with tenancy.reader_session() as session:
        found = rules.broken(session)
    for name in rules.QUERIES:
        click.echo(f"{'✗' if name in found else '✓'} {name}")
        for row in found.get(name, ()):
            click.echo(f"    {dict(row._mapping)}")
    if found:
        raise SystemExit(1)
