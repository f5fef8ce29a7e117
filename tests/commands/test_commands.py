"""``flask …``: set-up, demo, publishing, tenants, the account binding."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, select, text

from blueprints import ops
from portal import heartbeats, tenancy
from portal.app import create_app
from portal.billing import catalogue
from portal.extensions import db
from portal.gateway.account import AccountMismatch, MoneyStopped, bind_account, verify_account
from portal.gateway.client import gateway
from portal.models import PlanPrice
from tests.support import database, sandbox
from tests.support.shopping import make_tenant, start


@pytest.fixture(name="cli")
def fixture_cli(web):
    return web.test_cli_runner()


def test_set_up_and_demo_may_be_repeated(cli, web, tmp_path):
    logins = tmp_path / "demo.json"
    first = cli.invoke(args=["setup", "--demo", str(logins)])
    assert first.exit_code == 0, first.output
    written = json.loads(logins.read_text())
    assert {entry["slug"] for entry in written["tenants"]} == {"acme", "globex"}
    assert set(written["staff"]) >= {"email", "password"}
    assert logins.stat().st_mode & 0o077 == 0
    assert cli.invoke(args=["setup", "--demo", str(logins)]).exit_code == 0
    assert json.loads(logins.read_text()) == written
    with tenancy.staff_session() as session:
        assert session.scalar(text("SELECT count(*) FROM tenants")) == 2


def test_the_shipped_starter_equals_the_contracts_answer(web):
    starter, price = catalogue.offer("starter", "month")
    assert (starter.name, price.unit_amount_minor, price.currency) == ("Starter", 2900, "usd")
    assert starter.prices["year"].unit_amount_minor == 29000
    assert starter.features == ("All Free", "Email support")
    assert starter.limits == {"api_calls": 10000, "storage_gb": 50}
    assert price.stripe_price_id.startswith("price_")


def test_publishing_twice_changes_nothing_and_a_new_price_retires_the_old(cli, web):
    def sold() -> dict[str, str]:
        rows = db.session.scalars(select(PlanPrice).where(PlanPrice.retired_at.is_(None))).all()
        db.session.expunge_all()
        db.session.rollback()
        return {row.lookup_key: row.stripe_price_id for row in rows}

    before = sold()
    assert cli.invoke(args=["publish-plans"]).exit_code == 0
    assert sold() == before
    engine = create_engine(web.extensions["settings"].role_url("owner"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE plans SET price_monthly = 31 WHERE plan_id = 'starter'"))
    engine.dispose()
    assert cli.invoke(args=["publish-plans"]).exit_code == 0
    after = sold()
    assert {key for key in before if before[key] != after[key]} == {"starter:month:usd"}
    found = gateway().read(lambda s: s.v1.prices.list({"lookup_keys": ["starter:month:usd"]}))
    assert [(price.id, price.unit_amount) for price in found.data] == [(after["starter:month:usd"], 3100)]


def test_create_tenant(cli, web):
    arguments = ["create-tenant", "initech", "--name", "Initech", "--email", "bill@initech.example"]
    made = cli.invoke(args=[*arguments, "--password", "a calm and exact tool"])
    assert made.exit_code == 0, made.output
    again = cli.invoke(args=[*arguments, "--password", "a calm and exact tool"])
    assert again.exit_code == 1
    assert "already in use" in again.output


def test_the_account_is_bound_and_another_one_is_refused(settings, web):
    verify_account()
    with sandbox.running() as other:
        app = create_app("owner", settings=replace(settings, stripe_api_base=other.url))
        with app.app_context():
            for act in (verify_account, bind_account):
                with pytest.raises(AccountMismatch, match=r"acct_.*belongs to acct_.*empty database"):
                    act()
            database.dispose(app)


def test_the_kill_switch_stops_new_checkouts_(settings, web):
    tenant_id = make_tenant()
    _switch(settings, on=True)
    with pytest.raises(MoneyStopped):
        start(tenant_id)
    _switch(settings, on=False)
    assert start(tenant_id).state == "open"


def test_set_up_forgets_the_heartbeats_of_this_hosts_former_processes(cli, web, worker):
    with worker.app_context():
        heartbeats.beat("worker")
        db.session.execute(text("INSERT INTO heartbeats (name, kind) VALUES ('worker-elsewhere-1', 'worker')"))
        db.session.execute(text("INSERT INTO heartbeats (name, kind) VALUES ('ticker-elsewhere-2', 'ticker')"))
        db.session.commit()
    assert cli.invoke(args=["setup"]).exit_code == 0
    names = db.session.scalars(text("SELECT name FROM heartbeats ORDER BY name")).all()
    db.session.rollback()
    assert names == ["ticker-elsewhere-2", "worker-elsewhere-1"]


def test_health_says_which_part_is_away(settings):
    app = create_app("web", settings=replace(settings, redis_url="redis://127.0.0.1:1/0"), blueprints=[ops.bp])
    with app.app_context():
        answer = app.test_client().get("/health")
        checks = answer.get_json()["checks"]
        assert answer.status_code == 503
        assert (checks["database"]["ok"], checks["redis"]["ok"], checks["worker"]["ok"]) == (True, False, False)
        assert "127.0.0.1" not in answer.text
        database.dispose(app)


def test_check_looks_at_the_outside_too(cli, stripe_sandbox):
    answer = cli.invoke(args=["check"])
    parts = {part["name"]: part for part in json.loads(answer.output)}
    assert set(parts) == {"database", "redis", "worker", "ticker", "stripe", "smtp", "pdf"}
    assert parts["stripe"]["ok"]
    assert parts["smtp"]["ok"]


def _switch(settings, *, on: bool) -> None:
    engine = create_engine(settings.role_url("owner"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE installation SET money_stopped_at = CASE WHEN :on THEN now() END"), {"on": on})
    engine.dispose()
