"""The staff's shell: reads every tenant on the staff role, writes nothing."""

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from portal import overview, tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.security import people as verbs
from tests.support import people
from tests.support.people import browser


@pytest.mark.parametrize("role", ["admin", "finance", "support", "read_only"])
def test_every_staff_role_reads_the_shell(app: APIFlask, role: str) -> None:
    member = people.member(people.tenant("Visible Corp"), name="Ana Visible")
    client = browser(app, people.staff(role))
    assert client.get("/staff").status_code == 200
    assert "Visible Corp" in client.get("/staff/tenants").text
    page = client.get(f"/staff/tenants/{member.tenant_id}").text
    assert "Visible Corp" in page
    assert "Ana Visible" in page
    assert "member.added" in page


@pytest.mark.parametrize("role", ["owner", "viewer"])
def test_members_are_not_staff(app: APIFlask, role: str) -> None:
    member = people.member(role=role)
    client = browser(app, member)
    for path in ("/staff", "/staff/tenants", f"/staff/tenants/{member.tenant_id}"):
        assert client.get(path).status_code == 403


def test_a_missing_tenant_and_a_made_up_cursor_are_missing(app: APIFlask) -> None:
    client = browser(app, people.staff())
    for path in (f"/staff/tenants/{uuid7()}", "/staff/tenants/garbage", "/staff/tenants?after=garbage"):
        assert client.get(path).status_code == 404


def test_the_list_pages_by_keyset(app: APIFlask) -> None:
    made = [people.tenant() for _ in range(5)]
    first = overview.tenants(limit=2)
    second = overview.tenants(after=first.next_after, limit=2)
    third = overview.tenants(after=second.next_after, limit=2)
    assert [row.id for page in (first, second, third) for row in page.rows] == made[::-1]
    assert third.next_after is None


def test_the_overview_shows_what_needs_a_look(app: APIFlask, owner: Connection) -> None:
    owner.execute(text("INSERT INTO drift_findings (id, kind, object_id) VALUES (gen_random_uuid(), 'lost', 'in_1')"))
    owner.execute(
        text("""INSERT INTO stripe_events (id, type, livemode, payload, parked_reason, created_at)
                VALUES ('evt_parked', 'invoice.paid', false, '{}', 'another API version', now())""")
    )
    owner.execute(
        text("""INSERT INTO outbox (id, kind, key, dead_at, last_error) VALUES
                (gen_random_uuid(), 'mail.send', 'a', now(), 'mailbox full'),
                (gen_random_uuid(), 'x', 'b', NULL, NULL)""")
    )
    owner.execute(text("INSERT INTO heartbeats VALUES ('w-1', 'worker', now() - interval '1 hour')"))
    found = overview.overview()
    assert (found.work.due, found.work.dead) == (1, 1)
    page = browser(app, people.staff()).get("/staff").text
    for wanted in ("in_1", "evt_parked", "another API version", "mailbox full", "w-1", "Silent"):
        assert wanted in page


def test_the_staff_role_writes_nothing_and_sees_no_password(app: APIFlask) -> None:
    people.member()
    for statement in (
        "UPDATE tenants SET name = 'x'",
        "INSERT INTO staff_members (user_id, role) SELECT id, 'admin' FROM users",
        "DELETE FROM outbox",
        "SELECT password_hash FROM users",
        "SELECT * FROM user_sessions",
        "SELECT * FROM password_resets",
    ):
        with tenancy.staff_session() as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(statement))


def test_no_page_can_make_staff(app: APIFlask) -> None:
    made = people.user()
    with tenancy.bound(user_id=made.user_id), pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text("INSERT INTO staff_members (user_id, role) VALUES (gen_random_uuid(), 'admin')"))


def test_becoming_staff_ends_the_running_sessions(app: APIFlask) -> None:
    member = people.member()
    client = browser(app, member)
    verbs.grant_staff_role(member.user_id, "finance")
    assert client.get("/account").status_code == 302
    assert browser(app, member).get("/staff").status_code == 200
