"""``flask check``: every part, inside and outside, as JSON for ``./run doctor``."""

import json
import sys
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from portal.health import Part, dependencies, outside
from portal.invoicing import pdf


@click.command("check")
@with_appcontext
def check() -> None:
    """Print the state of every part as JSON; exit code 1 when one is not well."""
    parts = [*dependencies(), *outside(), _pdf()]
    click.echo(json.dumps([asdict(part) for part in parts], indent=2))
    sys.exit(0 if all(part.ok for part in parts) else 1)


def _pdf() -> Part:
    found = pdf.selfcheck()
    return Part("pdf", found.state == "ok", round(found.seconds * 1000), "" if found.state == "ok" else found.detail)
