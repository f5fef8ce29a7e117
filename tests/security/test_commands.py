"""``flask audit verify`` and ``flask create-staff``."""

from apiflask import APIFlask
from sqlalchemy import Connection, text

from tests.support import people
from tests.support.people import PASSWORD, Person, browser


def test_verify_says_where_a_chain_breaks(app: APIFlask, owner: Connection) -> None:
    tenant_id = people.tenant()
    runner = app.test_cli_runner()
    whole = runner.invoke(args=["audit", "verify"])
    assert (whole.exit_code, whole.output) == (0, "1 chains verified, 0 faults\n")
    owner.execute(text("UPDATE audit_entries SET verb = 'other'"))
    broken = runner.invoke(args=["audit", "verify"])
    assert broken.exit_code == 1
    assert f"tenant {tenant_id} entry 1: altered" in broken.output


def test_create_staff_makes_a_user_and_changes_a_role(app: APIFlask, owner: Connection) -> None:
    runner = app.test_cli_runner()
    made = runner.invoke(args=["create-staff", "Chief@Portal.example", "--role", "admin", "--password", PASSWORD])
    assert made.exit_code == 0, made.output
    again = runner.invoke(args=["create-staff", "chief@portal.example", "--role", "support", "--password", PASSWORD])
    assert again.exit_code == 0, again.output
    assert owner.execute(text("SELECT role FROM staff_members")).scalars().all() == ["support"]
    user_id = owner.execute(text("SELECT user_id FROM staff_members")).scalar_one()
    client = browser(app)
    assert client.sign_in(Person(user_id, "chief@portal.example", PASSWORD)).location == "/staff"


def test_create_staff_refuses_a_weak_password(app: APIFlask) -> None:
    refused = app.test_cli_runner().invoke(args=["create-staff", "x@portal.example", "--password", "short"])
    assert refused.exit_code == 1
    assert "at least 10 characters" in refused.output
