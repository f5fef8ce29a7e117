"""Users, memberships, and what is swept away behind them."""

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from portal import tenancy
from portal.errors import Conflict, Invalid, NotFound
from portal.extensions import db
from portal.ids import uuid7
from portal.security import housekeeping, password_resets
from portal.security import people as verbs
from portal.security.passwords import WeakPassword
from tests.support import people
from tests.support.people import PASSWORD, browser


def test_an_address_belongs_to_one_user(app: APIFlask, owner: Connection) -> None:
    people.user("Ana@Example.com")
    with pytest.raises(verbs.EmailTaken):
        verbs.create_user(" ana@EXAMPLE.com ", "Ana", PASSWORD)
    assert owner.execute(text("SELECT email FROM users")).scalars().all() == ["ana@example.com"]


@pytest.mark.parametrize(
    "email", ["", "ana", "@example.com", "ana@", "a na@example.com", "a\x00@b.c", "a" * 251 + "@b.c"]
)
def test_what_is_no_address_is_refused(app: APIFlask, email: str) -> None:
    with pytest.raises(Invalid):
        verbs.create_user(email, "Ana", PASSWORD)


def test_a_user_needs_a_good_password_and_a_known_language(app: APIFlask) -> None:
    with pytest.raises(WeakPassword):
        verbs.create_user("ana@example.com", "Ana", "password123")
    with pytest.raises(Invalid):
        verbs.create_user("ana@example.com", "Ana", PASSWORD, language="xx")


def test_a_membership_needs_both_sides_and_a_known_role(app: APIFlask) -> None:
    member = people.member()
    assert member.tenant_id is not None
    with pytest.raises(Conflict):
        verbs.add_member(member.tenant_id, member.user_id, "viewer")
    with pytest.raises(NotFound):
        verbs.add_member(uuid7(), member.user_id, "viewer")
    with pytest.raises(NotFound):
        verbs.add_member(member.tenant_id, uuid7(), "viewer")
    with pytest.raises(verbs.UnknownRole):
        verbs.add_member(member.tenant_id, member.user_id, "admin")


def test_the_web_role_sees_ones_own_secrets_only(app: APIFlask) -> None:
    mine, other = people.member(), people.member()
    browser(app, mine)
    browser(app, other)
    with tenancy.bound(mine.tenant_id, user_id=mine.user_id):
        assert db.session.scalars(text("SELECT id FROM users")).all() == [mine.user_id]
        assert db.session.scalars(text("SELECT user_id FROM user_sessions")).all() == [mine.user_id]
        changed = db.session.execute(text("UPDATE users SET name = 'x' WHERE id = :id"), {"id": other.user_id})
        assert changed.rowcount == 0  # type: ignore[attr-defined]
    with tenancy.bound():
        assert db.session.scalars(text("SELECT id FROM users")).all() == []
        assert db.session.scalars(text("SELECT id FROM user_sessions")).all() == []


@pytest.mark.parametrize("table", ["login_attempts", "email_addresses", "staff_members"])
def test_the_web_role_reads_none_of_the_look_up_tables(app: APIFlask, table: str) -> None:
    with tenancy.bound(), pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(f"SELECT * FROM {table}"))  # noqa: S608


def test_the_worker_sweeps_what_is_over_and_nothing_else(app: APIFlask, worker: APIFlask, owner: Connection) -> None:
    old, new = people.member(), people.member()
    browser(app, old)
    browser(app, new)
    with worker.app_context():
        for person in (old, new):
            password_resets.issue(person.user_id)
    for table in ("user_sessions", "password_resets"):
        aged = f"UPDATE {table} SET expires_at = now() - interval '31 days' WHERE user_id = :id"  # noqa: S608
        owner.execute(text(aged), {"id": old.user_id})
    owner.execute(
        text("""UPDATE login_attempts SET created_at = now() - interval '25 hours'
                WHERE id = (SELECT id FROM login_attempts ORDER BY created_at LIMIT 1)""")
    )
    with worker.app_context():
        assert housekeeping.sweep() == 3
        assert housekeeping.sweep() == 0
    assert owner.execute(text("SELECT user_id FROM user_sessions")).scalars().all() == [new.user_id]
