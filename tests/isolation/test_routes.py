"""Nobody learns by any route, method or place of an id that another tenant's thing exists, let alone what it says."""

from collections.abc import Callable
from uuid import UUID

import pytest
from apiflask import APIFlask
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from blueprints import PAGES
from portal import tenancy
from portal.app import create_app
from portal.extensions import db
from portal.security import guards
from portal.tenancy import PLATFORM
from tests.isolation import actors, loot
from tests.isolation.actors import Actor
from tests.isolation.attack import Attack
from tests.isolation.attempts import Generator, methods_of, rules
from tests.isolation.loot import Loot
from tests.isolation.probing import probed
from tests.isolation.recipes import Unknown
from tests.isolation.snapshots import Change, Snapshot, unexplained
from tests.isolation.world import TENANT_NAME, World
from tests.support import database

AT_LEAST = 1000
ONE_ADDRESS = "192.0.2.1"


def asked_names(app: APIFlask, found: Loot, actor: Actor, below: str = "/") -> dict[tuple[str, str], set[str]]:
    """What handlers read, from one right request to each."""
    generator = Generator(app, found, {}, below)
    with probed(app) as asked:
        for rule in rules(app, below):
            for method in methods_of(rule):
                generator.base(rule, method, actor).to(app, ONE_ADDRESS)
    return asked


def harmless(world: World, after: Snapshot) -> Callable[[Change], bool]:
    """Whether a change is the attackers' own affair; ``after``: their own sessions at Stripe are known from it."""
    tenants = {str(world.rival_id), str(world.shopper.tenant_id)}
    users = {str(person.user_id) for person in world.attackers}
    sessions = {
        row["stripe_session_id"]
        for table in ("checkouts", "method_setups")
        for row in after.tables[table].values()
        if row["tenant_id"] in tenants
    }

    def is_harmless(change: Change) -> bool:
        row, is_new = change.row, change.before is None
        is_own = row.get("tenant_id") in tenants or row.get("user_id") in users
        return (
            is_own
            or (change.table == "users" and row["id"] in users)
            or change.table == "login_attempts"
            or (change.table == "audit_entries" and is_new and row["tenant_id"] == str(PLATFORM))
            # Anybody may ask that a link is mailed to whoever owns an address.
            or (change.table == "outbox" and is_new and row["kind"] == "mail.password_reset")
            or (change.table == "stripe_objects" and row["id"] in sessions)
        )

    return is_harmless


def test_no_route_tells_another_tenants_things_from_missing_ones(world: World) -> None:
    found = loot.of(world)
    everybody = actors.all_of(world)
    asked = asked_names(world.app, found, next(actor for actor in everybody if actor.thorough))
    before = world.take()
    with Attack(world, world.app, Generator(world.app, found, asked)) as attack:
        for actor in everybody:
            attack.run(actor)
    print(f"\n{attack.tried.total()} attempts on {len(rules(world.app))} routes: {dict(attack.tried)}")
    assert attack.faults == [], "\n".join(attack.faults)
    after = world.take()
    assert unexplained(before.changes_to(after), harmless(world, after)) == []
    assert attack.tried.total() >= AT_LEAST


def _leaking() -> Blueprint:
    """Routes that say what they must not, each in its way."""
    bp = Blueprint("leak", __name__, url_prefix="/leak")

    def is_there(table: str, wanted: str) -> bool:
        with tenancy.staff_session() as session:
            return bool(session.scalar(text(f"SELECT 1 FROM {table} WHERE id::text = :id"), {"id": wanted}))  # noqa: S608

    def by_status(invoice_id: UUID) -> ResponseReturnValue:
        return "", 403 if is_there("invoices", str(invoice_id)) else 404

    def by_body() -> ResponseReturnValue:
        return "That is not yours." if is_there("checkouts", request.args.get("which", "")) else "There is none."

    def by_header() -> ResponseReturnValue:
        known = is_there("payments", request.args.get("payment_id", ""))
        return "", 404, {"X-Seen": "yes"} if known else {}

    def by_trust() -> ResponseReturnValue:
        tenancy.fresh()
        tenancy.bind(UUID(request.headers.get("X-Tenant-ID", str(PLATFORM))))
        return str(db.session.scalars(text("SELECT name FROM tenants")).all())

    bp.get("/status/<uuid:invoice_id>")(guards.member()(by_status))
    for view in (by_body, by_header, by_trust):
        bp.get(f"/{view.__name__}")(guards.member()(view))
    return bp


def test_the_generator_finds_what_a_route_gives_away(world: World) -> None:
    app = create_app("web", settings=world.settings, blueprints=(*PAGES, _leaking()))
    found, rival = loot.of(world), actors.thorough(world)
    asked = asked_names(app, found, rival, "/leak")
    assert asked["leak.by_body", "query"] == {"which"}
    with Attack(world, app, Generator(app, found, asked, "/leak")) as attack:
        attack.run(rival)
    for view in ("status", "by_body", "by_header", "by_trust"):
        assert any(f"/leak/{view}" in fault for fault in attack.faults), view
    assert any(TENANT_NAME in fault for fault in attack.faults)
    with app.app_context():
        database.dispose(app)


def test_what_the_generator_does_not_know_it_says(world: World) -> None:
    bp = Blueprint("unknown", __name__, url_prefix="/unknown")
    for path, methods in (("/<uuid:voucher_id>", ["GET"]), ("/<int:year>", ["GET"]), ("/thing", ["POST"])):
        bp.add_url_rule(path, path.strip("/<>").replace(":", "_"), guards.member()(lambda **_: ""), methods=methods)
    app = create_app("web", settings=world.settings, blueprints=(bp,))
    generator, rival = Generator(app, loot.of(world), {}), actors.thorough(world)
    messages = []
    for rule in rules(app, "/unknown"):
        with pytest.raises(Unknown) as caught:
            generator.base(rule, methods_of(rule)[0], rival)
        messages.append(str(caught.value))
    for part, message in zip(("TEXT_PARAMETERS", "_plant()", "FORMS"), messages, strict=True):
        assert part in message
