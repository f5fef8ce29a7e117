"""``flask seed-demo``: two tenants, each with an owner, a key and three months of usage, staff, plans, a coupon."""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.billing import tenants
from portal.commands import demo_sources, demo_usage
from portal.commands.roles import app_as
from portal.errors import Conflict
from portal.extensions import db
from portal.ids import uuid7
from portal.models import ApiKey, Coupon, Plan, StaffMember, TenantSlug, User
from portal.security import api_keys, audit, passwords, people, sessions
from portal.security.principal import hash_token

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
WELCOME: dict[str, Any] = {
    "code": "WELCOME20",
    "name": "Welcome",
    "percent_off": Decimal(20),
    "duration": "once",
    "max_per_tenant": 1,
    "first_time_only": True,
    "automatic": True,
}
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
KEY_NAME = "Demo"
STAFF_EMAIL = "staff@portal.example"
SECOND_STAFF_EMAIL = "finance@portal.example"  # above a limit two people have to agree


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
    """Make what is missing of the demo, and leave in ``out`` logins that work, readable by its owner only.

    The passwords and keys are on disk before anything is made, and each step looks first: a seed that is cut off
    anywhere, a lost file and a new database are all mended by the next one.
    """
    known = _read(out)
    people_of_staff = {
        key: {"email": email, "password": _known(known, email, "password") or secrets.token_urlsafe(9)}
        for key, email in (("staff", STAFF_EMAIL), ("second_staff", SECOND_STAFF_EMAIL))
    }
    livemode = current_app.extensions["settings"].is_livemode
    entries = [
        {
            "name": definition["name"],
            "slug": definition["slug"],
            "tenant_id": None,
            "email": definition["email"],
            "password": _known(known, definition["email"], "password") or secrets.token_urlsafe(9),
            "api_key": _known(known, definition["email"], "api_key") or api_keys.new_token(livemode=livemode),
        }
        for definition in TENANTS
    ]
    _write(out, entries, people_of_staff)
    with app_as("owner").app_context():
        seed_plans()
        seed_coupons()
        demo_usage.seed_terms()
    for definition, entry in zip(TENANTS, entries, strict=True):
        tenant_id = _tenant(definition, str(entry["password"]))
        entry |= {"tenant_id": str(tenant_id), "api_key": _api_key(tenant_id, str(entry["api_key"]))}
        demo_usage.seed_usage(tenant_id, definition["slug"])
    keeper = _staff(STAFF_EMAIL, "Demo Staff", "admin", people_of_staff["staff"]["password"])
    _staff(SECOND_STAFF_EMAIL, "Demo Finance", "finance", people_of_staff["second_staff"]["password"])
    demo_sources.link({str(entry["name"]): UUID(str(entry["tenant_id"])) for entry in entries}, actor=keeper)
    _write(out, entries, people_of_staff)


def seed_plans() -> None:
    """The four plans that the contract shows; plans that exist stay as they are. Runs as the owner."""
    for plan in PLANS:
        db.session.execute(insert(Plan).values(**plan).on_conflict_do_nothing())
    db.session.commit()


def seed_coupons() -> None:
    """The coupon of a first purchase; one that exists stays as it is. Runs as the owner."""
    db.session.execute(insert(Coupon).values(id=uuid7(), **WELCOME).on_conflict_do_nothing())
    db.session.commit()


def _read(out: Path) -> dict[str, dict[str, Any]]:
    """The logins in the file by address; none when the file is missing or damaged."""
    try:
        data = json.loads(out.read_text())
        return {login["email"]: dict(login) for login in _logins(data)}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def _logins(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A file of an earlier version knows one of the staff."""
    yield from (*data["tenants"], data["staff"])
    if "second_staff" in data:
        yield data["second_staff"]


def _known(known: dict[str, dict[str, Any]], email: str, name: str) -> str:
    """What the file says of a login; empty when it says nothing, or no text."""
    found = known.get(email, {}).get(name)
    return found if isinstance(found, str) else ""


def _write(out: Path, entries: list[dict[str, str | None]], staff: dict[str, dict[str, str]]) -> None:
    """Replace the file at once, so that a kill never leaves half of it."""
    settings = current_app.extensions["settings"]
    demo = {"url": settings.public_url, "sandbox_url": settings.stripe_api_base, "tenants": entries, **staff}
    draft = out.with_name(f".{out.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(demo, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(out)


def _tenant(definition: dict[str, str], password: str) -> UUID:
    speech = {"language": definition["language"], "format_locale": definition["format_locale"]}
    with tenancy.staff_session() as session:
        tenant_id = session.scalar(select(TenantSlug.tenant_id).where(TenantSlug.slug == definition["slug"]))
    if tenant_id is None:
        tenant_id = tenants.create(definition["name"], definition["slug"], definition["email"], **speech)
    user_id = _user(definition["email"], f"Owner of {definition['name']}", password, **speech)
    with contextlib.suppress(Conflict):  # a member already
        people.add_member(tenant_id, user_id, "owner")
    return tenant_id


def _api_key(tenant_id: UUID, token: str) -> str:
    """The demo's key, which works: this one if it does or never existed, else a new one that takes its place."""
    with tenancy.bound(tenant_id):
        known = {key.token_hash: key for key in db.session.scalars(select(ApiKey).where(ApiKey.name == KEY_NAME))}
        found = known.get(hash_token(token))
        if found is not None and found.revoked_at is None:
            return token
        if found is not None or not api_keys.is_well_formed(token):
            token = api_keys.new_token(livemode=current_app.extensions["settings"].is_livemode)
        for key in known.values():  # their tokens are lost
            api_keys.end(key, actor=None)
        api_keys.add(KEY_NAME, api_keys.SCOPES, token, actor=None)
        db.session.commit()
    return token


def _staff(email: str, name: str, role: str, password: str) -> UUID:
    user_id = _user(email, name, password)
    with tenancy.staff_session() as session:
        known = session.scalar(select(StaffMember.role).where(StaffMember.user_id == user_id))
    if known is None:  # granting it again would end the sessions of this user
        people.grant_staff_role(user_id, role)
    return user_id


def _user(email: str, name: str, password: str, **speech: str) -> UUID:
    """The user with this address, made if missing, who can sign in with this password afterwards."""
    user_id = people.find_user_id(email)
    if user_id is None:
        return people.create_user(email, name, password, **speech)
    with tenancy.bound(tenancy.PLATFORM, user_id=user_id):
        stored = db.session.scalars(select(User.password_hash).where(User.id == user_id)).one()
        if not passwords.verify_password(stored, password):
            new_hash = passwords.hash_password(password)
            db.session.execute(update(User).where(User.id == user_id).values(password_hash=new_hash))
            ended = sessions.revoke_all(user_id)
            audit.record("password.changed", "user", user_id, after={"by": "seed-demo", "sessions_ended": ended})
            db.session.commit()
    return user_id
