"""Guards: what they refuse, what they bind, and that the app does not start without them."""

from dataclasses import replace
from typing import Any

import pytest
from apiflask import APIFlask
from flask import Blueprint, g
from flask.testing import FlaskClient
from sqlalchemy import text

from portal import tenancy
from portal.app import create_app
from portal.config import Settings
from portal.extensions import db
from portal.models.users import MEMBER_ROLES
from portal.security import guards
from tests.support import people
from tests.support.people import Browser, browser


def _probe() -> Blueprint:
    bp = Blueprint("probe", __name__, url_prefix="/probe")

    def seen() -> dict[str, Any]:
        """What the handler's session can see."""
        bound = tenancy.current()
        tenants = db.session.scalars(text("SELECT id FROM tenants")).all()
        return {
            "tenant_id": str(bound.tenant_id or ""),
            "user_id": str(bound.user_id or ""),
            "g": str(g.get("tenant_id", "")),
            "tenants": [str(one) for one in tenants],
        }

    bp.get("/public")(guards.public(seen))
    bp.get("/signed-in", endpoint="signed_in")(guards.signed_in(seen))
    bp.get("/member", endpoint="member")(guards.member()(seen))
    bp.get("/billing", endpoint="billing")(guards.member("owner", "billing")(seen))
    bp.get("/staff", endpoint="staff")(guards.staff()(seen))
    bp.get("/finance", endpoint="finance")(guards.staff("finance")(seen))
    return bp


@pytest.fixture(name="probed")
def fixture_probed(app: APIFlask, settings: Settings) -> APIFlask:
    from blueprints import PAGES

    probed = create_app("web", settings=settings, blueprints=(*PAGES, _probe()))
    people.prepare(probed)
    people.prepare(app)
    return probed


def _status(client: FlaskClient, *names: str) -> list[int]:
    return [client.get(f"/probe/{name}").status_code for name in names]


def test_an_app_with_an_unguarded_route_does_not_start(settings: Settings) -> None:
    bp = Blueprint("open", __name__)
    bp.get("/open")(lambda: "open")
    with pytest.raises(guards.UnguardedRoute, match="/open"):
        create_app("web", settings=settings, blueprints=[bp])


def test_a_role_that_does_not_exist_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="admin"):
        guards.member("admin")
    with pytest.raises(ValueError, match="owner"):
        guards.staff("owner")


def test_an_anonymous_request_is_sent_to_the_sign_in(probed: APIFlask) -> None:
    client = browser(probed)
    names = ("signed-in", "member", "billing", "staff", "finance")
    assert _status(client, "public", *names) == [200, *[302] * len(names)]
    assert client.get("/probe/member?a=b").location == "/sign-in?next=%2Fprobe%2Fmember%3Fa%3Db"


@pytest.mark.parametrize("role", MEMBER_ROLES)
def test_a_member_passes_by_role(probed: APIFlask, role: str) -> None:
    client = browser(probed, people.member(role=role))
    billing = 200 if role in ("owner", "billing") else 403
    assert _status(client, "signed-in", "member", "billing", "staff", "finance") == [200, 200, billing, 403, 403]


@pytest.mark.parametrize(("role", "finance"), [("finance", 200), ("admin", 403), ("read_only", 403)])
def test_staff_pass_by_role(probed: APIFlask, role: str, finance: int) -> None:
    client = browser(probed, people.staff(role))
    assert _status(client, "signed-in", "member", "billing", "staff", "finance") == [200, 302, 302, 200, finance]


def test_a_guard_binds_what_the_person_may_see(probed: APIFlask) -> None:
    other = people.tenant()
    member = people.member()
    client = browser(probed, member)
    tenant_id, user_id = str(member.tenant_id), str(member.user_id)
    for name in ("signed-in", "member", "billing"):
        seen = client.get(f"/probe/{name}").json
        assert seen == {"tenant_id": tenant_id, "user_id": user_id, "g": tenant_id, "tenants": [tenant_id]}
        assert str(other) not in seen["tenants"]
    assert client.get("/probe/public").json == {"tenant_id": "", "user_id": "", "g": "", "tenants": []}


def test_staff_are_bound_to_no_tenant(probed: APIFlask) -> None:
    people.tenant()
    chief = people.staff()
    expected = {"tenant_id": "", "user_id": str(chief.user_id), "g": "", "tenants": []}
    assert browser(probed, chief).get("/probe/staff").json == expected


def test_a_request_leaves_nothing_bound_for_the_next(probed: APIFlask) -> None:
    """One pooled connection serves many people; with one connection every request gets the same."""
    settings: Settings = probed.extensions["settings"]
    narrow = create_app("web", settings=replace(settings, db_pool_size=1, db_max_overflow=0), blueprints=[_probe()])
    clients: list[tuple[Browser, str]] = []
    for _ in range(3):
        member = people.member()
        client = browser(probed, member)
        clients.append((client, str(member.tenant_id)))
    for client, tenant_id in clients * 2:
        cookie = client.get_cookie("portal_session")
        assert cookie is not None
        reader = browser(narrow)
        reader.set_cookie("portal_session", cookie.value)
        assert reader.get("/probe/member").json["tenants"] == [tenant_id]
        assert browser(narrow).get("/probe/public").json["tenants"] == []
    with narrow.app_context():
        db.engine.dispose()
