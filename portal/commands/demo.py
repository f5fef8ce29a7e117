"""``flask seed-demo``: two tenants with an owner each, one staff user, the four plans. Keeps what is there."""

import json
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.dialects.postgresql import insert

from portal.billing import tenants
from portal.commands.roles import app_as
from portal.extensions import db
from portal.models import Plan
from portal.security import people

PLANS: tuple[dict[str, Any], ...] = (
    {
        "plan_id": "free",
        "name": "Free",
        "description": "Try it with your team.",
        "price_monthly": Decimal("0.00"),
        "features": ["Basic features"],
        "limits": {"api_calls": 1000, "storage_gb": 5},
        "position": 1,
    },
    {
        "plan_id": "starter",
        "name": "Starter",
        "description": "For small teams that have customers.",
        "price_monthly": Decimal("29.00"),
        "price_yearly": Decimal("290.00"),
        "features": ["All Free", "Email support"],
        "limits": {"api_calls": 10000, "storage_gb": 50},
        "position": 2,
    },
    {
        "plan_id": "professional",
        "name": "Professional",
        "description": "For teams that depend on it.",
        "price_monthly": Decimal("99.00"),
        "features": ["All Starter", "Priority support"],
        "limits": {"api_calls": 100000, "storage_gb": 250},
        "position": 3,
    },
    {
        "plan_id": "enterprise",
        "name": "Enterprise",
        "description": "For organisations with many teams.",
        "price_monthly": Decimal("299.00"),
        "features": ["All Professional", "24/7 support"],
        "limits": {"api_calls": 1000000, "storage_gb": 1000},
        "position": 4,
    },
)
TENANTS = (
    {
        "name": "Acme Corp",
        "slug": "acme",
        "email": "owner@acme.example",
        "language": "en",
        "format_locale": "en_US",
    },
    {
        "name": "Globex SA",
        "slug": "globex",
        "email": "owner@globex.example",
        "language": "es",
        "format_locale": "es_ES",
    },
)
STAFF_EMAIL = "staff@portal.example"


@click.command("seed-demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Where to write the logins (JSON, readable by you only).",
)
@with_appcontext
def seed_demo(out: Path) -> None:
    """Make the demo's plans, tenants and people. Publish the plans afterwards."""
    seed(out)
    click.echo(f"{len(TENANTS)} tenants, {len(PLANS)} plans")


def seed(out: Path) -> None:
    """Make what is missing of the demo; passwords are made once and kept in ``out``, readable by its owner only."""
    known = json.loads(out.read_text()) if out.exists() else {}
    with app_as("owner").app_context():
        seed_plans()
    demo = {
        "url": current_app.extensions["settings"].public_url,
        "sandbox_url": current_app.extensions["settings"].stripe_api_base,
        "tenants": [_tenant(definition, known) for definition in TENANTS],
        "staff": _staff(known),
    }
    out.touch(mode=0o600)
    out.write_text(json.dumps(demo, indent=2) + "\n")


def seed_plans() -> None:
    """The four plans that the contract shows; plans that exist stay as they are. Runs as the owner."""
    for plan in PLANS:
        db.session.execute(insert(Plan).values(**plan).on_conflict_do_nothing())
    db.session.commit()


def _tenant(definition: dict[str, str], known: dict[str, Any]) -> dict[str, Any]:
    for entry in known.get("tenants", ()):
        if entry["slug"] == definition["slug"]:
            return dict(entry)
    password = secrets.token_urlsafe(9)
    speech = {"language": definition["language"], "format_locale": definition["format_locale"]}
    tenant_id = tenants.create(definition["name"], definition["slug"], definition["email"], **speech)
    user_id = people.create_user(definition["email"], f"Owner of {definition['name']}", password, **speech)
    people.add_member(tenant_id, user_id, "owner")
    return {
        "name": definition["name"],
        "slug": definition["slug"],
        "tenant_id": str(tenant_id),
        "email": definition["email"],
        "password": password,
    }


def _staff(known: dict[str, Any]) -> dict[str, Any]:
    if "staff" in known:
        return dict(known["staff"])
    password = secrets.token_urlsafe(9)
    user_id = people.create_user(STAFF_EMAIL, "Demo Staff", password)
    people.grant_staff_role(user_id, "admin")
    return {"email": STAFF_EMAIL, "password": password}
