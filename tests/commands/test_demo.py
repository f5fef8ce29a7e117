"""The demo's logins work after every cut, a lost file and a new database."""

import json

import pytest
from sqlalchemy import select, text

from portal import config, tenancy
from portal.app import create_app
from portal.billing import tenants
from portal.commands import demo
from portal.extensions import db
from portal.models import Membership
from portal.security import people as portal_people
from portal.security import sign_in
from tests.support import database, people


class Cut(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.fixture(autouse=True)
def fixture_cheap_passwords(web):
    people.prepare(web)


@pytest.fixture(name="out")
def fixture_out(tmp_path):
    return tmp_path / "demo.json"


def works(out):
    """Whether there are two tenants, whose logins in the file open them, and staff."""
    data = json.loads(out.read_text())
    with tenancy.staff_session() as session:
        rows = session.execute(text("SELECT slug, tenant_id FROM tenant_slugs")).all()
    assert {(entry["slug"], entry["tenant_id"]) for entry in data["tenants"]} == {(s, str(t)) for s, t in rows}
    assert len(rows) == 2
    for login in (*data["tenants"], data["staff"]):
        assert sign_in.sign_in(login["email"], login["password"], address="192.0.2.1", user_agent="")
    for entry in data["tenants"]:
        user_id = portal_people.find_user_id(entry["email"])
        with tenancy.bound(entry["tenant_id"]):
            assert db.session.execute(select(Membership.user_id, Membership.role)).all() == [(user_id, "owner")]
    with tenancy.staff_session() as session:
        assert session.scalar(text("SELECT count(*) FROM staff_members")) == 1
    return True


@pytest.mark.parametrize(
    ("module", "name", "calls"),
    [
        (tenants, "create", 1),
        (tenants, "create", 2),
        (portal_people, "create_user", 1),
        (portal_people, "add_member", 1),
        (portal_people, "add_member", 2),
        (portal_people, "create_user", 3),
        (portal_people, "grant_staff_role", 1),
    ],
)
def test_a_cut_after_any_step_is_mended_by_the_next_seed(web, out, monkeypatch, module, name, calls):
    step, seen = getattr(module, name), []

    def cut(*arguments, **more):
        result = step(*arguments, **more)
        seen.append(1)
        if len(seen) == calls:
            raise Cut
        return result

    with monkeypatch.context() as patched:
        patched.setattr(module, name, cut)
        with pytest.raises(Cut):
            demo.seed(out)
    known = {entry["slug"]: entry["password"] for entry in json.loads(out.read_text())["tenants"]}
    demo.seed(out)
    assert works(out)
    assert {entry["slug"]: entry["password"] for entry in json.loads(out.read_text())["tenants"]} == known


@pytest.mark.parametrize("left", [None, "", '{"tenants": [{"slug": "ac', '{"tenants": [{"slug": "acme"}]}', "[]"])
def test_a_lost_or_damaged_file_gets_logins_that_work(web, out, left):
    demo.seed(out)
    before = out.read_text()
    out.unlink() if left is None else out.write_text(left)
    demo.seed(out)
    assert out.read_text() != before
    assert works(out)
    assert out.stat().st_mode & 0o077 == 0
    assert [path.name for path in out.parent.iterdir()] == ["demo.json"]


def test_a_seed_that_finds_all_well_changes_nothing(web, out):
    def audited():
        with tenancy.staff_session() as session:
            return session.scalar(text("SELECT count(*) FROM audit_entries"))

    demo.seed(out)
    before = (out.read_text(), audited())
    demo.seed(out)
    assert (out.read_text(), audited()) == before


def test_a_new_database_gets_the_logins_of_the_kept_file(web, out, template, settings):
    demo.seed(out)
    passwords = [entry["password"] for entry in json.loads(out.read_text())["tenants"]]
    with database.cloned(template) as name:
        app = people.prepare(create_app("web", settings=config.load(database.environment(name))))
        with app.app_context():
            demo.seed(out)
            assert works(out)
            database.dispose(app)
    assert [entry["password"] for entry in json.loads(out.read_text())["tenants"]] == passwords


def test_the_coupon_of_a_first_purchase_is_there_once(web, settings, out):
    demo.seed(out)
    demo.seed(out)
    wanted = "SELECT code, automatic, first_time_only, percent_off FROM coupons"
    assert [tuple(row.values()) for row in database.as_owner(settings, wanted)] == [("WELCOME20", True, True, 20)]
