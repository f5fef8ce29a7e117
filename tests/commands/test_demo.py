"""The demo's logins work after every cut, a lost file and a new database."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from portal import config, tenancy
from portal.app import create_app
from portal.billing import api_keys as billing_keys
from portal.billing import tenants
from portal.commands import demo, demo_usage
from portal.extensions import db
from portal.ids import uuid7
from portal.models import ApiKey, Membership, Plan
from portal.security import api_keys, sign_in
from portal.security import people as portal_people
from portal.usage import figures, look, terms, verify
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
    for login in (*data["tenants"], data["staff"], data["second_staff"]):
        assert sign_in.sign_in(login["email"], login["password"], address="192.0.2.1", user_agent="")
    for entry in data["tenants"]:
        assert str(api_keys.require(entry["api_key"], api_keys.SCOPES).tenant_id) == entry["tenant_id"]
        user_id = portal_people.find_user_id(entry["email"])
        with tenancy.bound(entry["tenant_id"]):
            assert db.session.execute(select(Membership.user_id, Membership.role)).all() == [(user_id, "owner")]
    with tenancy.staff_session() as session:
        assert session.scalar(text("SELECT count(*) FROM staff_members")) == 2
    return True


def kept(out):
    """What must stay the same from one start to the next."""
    return {each["slug"]: (each["password"], each["api_key"]) for each in json.loads(out.read_text())["tenants"]}


@pytest.mark.parametrize(
    ("module", "name", "calls"),
    [
        (tenants, "create", 1),
        (tenants, "create", 2),
        (portal_people, "create_user", 1),
        (portal_people, "add_member", 1),
        (portal_people, "add_member", 2),
        (portal_people, "create_user", 3),
        (portal_people, "create_user", 4),
        (portal_people, "grant_staff_role", 1),
        (portal_people, "grant_staff_role", 2),
        (api_keys, "add", 1),
        (api_keys, "add", 2),
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
    known = kept(out)
    demo.seed(out)
    assert works(out)
    assert kept(out) == known


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
    known = kept(out)
    with database.cloned(template) as name:
        app = people.prepare(create_app("web", settings=config.load(database.environment(name))))
        with app.app_context():
            demo.seed(out)
            assert works(out)
            database.dispose(app)
    assert kept(out) == known


def test_the_coupon_of_a_first_purchase_is_there_once(web, settings, out):
    demo.seed(out)
    demo.seed(out)
    wanted = "SELECT code, automatic, first_time_only, percent_off FROM coupons"
    assert [tuple(row.values()) for row in database.as_owner(settings, wanted)] == [("WELCOME20", True, True, 20)]


def usage_of(slug):
    with tenancy.staff_session() as session:
        tenant_id = session.scalar(text("SELECT tenant_id FROM tenant_slugs WHERE slug = :slug"), {"slug": slug})
    with tenancy.bound(tenant_id):
        period = look.period()
        assert len(period.periods) == 1 + demo_usage.MONTHS_BEFORE
        last = figures.used(period.previous.id)
        return verify.differences(), last, {each.resource.resource_type: each.used for each in period.standings}


def test_its_tenants_have_used_something_for_three_months_once(web, out):
    demo.seed(out)
    drift, last, now = usage_of("acme")
    assert list(drift) == []
    assert last.keys() == {"api_calls", "storage_gb", "users"}
    assert 10_000 < last["api_calls"] < 20_000, "more than the starter's, as a reason to compare"
    assert 30 < last["storage_gb"] < 60
    near = usage_of("globex")[1]
    assert 800 <= near["api_calls"] < 1000, "near the free plan's"
    assert 4 <= near["storage_gb"] < 5
    demo.seed(out)
    assert usage_of("acme")[1:] == (last, now)


def test_its_plans_sell_more_in_the_currency_of_the_installation(web, out, settings):
    demo.seed(out)
    granted = terms.of_plan(db.session.get(Plan, "starter"))
    assert granted["api_calls"].price(Decimal(62_500), settings.currency).amount == 50 * 40 + 3 * 25
    assert granted["users"].limit_kind == "hard"
    assert terms.of_plan(db.session.get(Plan, "free"))["api_calls"].limit_kind == "hard"


@pytest.mark.parametrize("now", [datetime(2026, 3, 1, 0, 5, tzinfo=UTC), datetime(2028, 2, 29, 12, tzinfo=UTC)])
def test_usage_is_made_on_any_day_of_a_month(web, tenant, monkeypatch, now):
    monkeypatch.setattr("portal.clock.stripe_now", lambda: now)
    demo_usage.seed_usage(tenant, "acme")
    with tenancy.bound(tenant):
        period = look.period()
        assert period.previous.ends_at == now.replace(day=1, hour=0, minute=0)
        assert figures.used(period.previous.id)["api_calls"] > 5000


def test_a_key_that_was_revoked_or_spoiled_is_replaced(web, out):
    demo.seed(out)
    before = kept(out)
    with tenancy.bound(json.loads(out.read_text())["tenants"][0]["tenant_id"]):
        billing_keys.revoke(db.session.scalars(select(ApiKey.id)).one(), actor=uuid7())
    data = json.loads(out.read_text())
    data["tenants"][1]["api_key"] = "bp_test_cut"
    out.write_text(json.dumps(data))
    demo.seed(out)
    assert works(out)
    for slug, (password, key) in kept(out).items():
        assert password == before[slug][0]
        assert key != before[slug][1]
    with tenancy.staff_session() as session:
        assert session.scalar(text("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL")) == 2


def test_a_file_from_before_there_were_keys(web, out):
    demo.seed(out)
    data = json.loads(out.read_text())
    for tenant in data["tenants"]:
        del tenant["api_key"]
    out.write_text(json.dumps(data))
    demo.seed(out)
    assert works(out)
