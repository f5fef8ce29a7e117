"""The audit chain: appended in order, and every tampering beneath it is found."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.security import audit
from tests.support import people
from tests.support.people import browser


def _record(tenant_id: UUID, number: int) -> None:
    with tenancy.bound(tenant_id):
        audit.record("test.acted", "thing", number, before={"n": number - 1}, after={"n": number, "ñ": ["á", None]})
        db.session.commit()


@pytest.fixture(name="chain")
def fixture_chain(app: APIFlask) -> UUID:
    tenant_id = people.tenant()
    for number in range(2, 7):
        _record(tenant_id, number)
    return tenant_id


def _problems(tenant_id: UUID) -> list[tuple[int, str]]:
    return [(fault.sequence, fault.problem) for fault in audit.verify(tenant_id)]


def test_an_untouched_chain_holds(chain: UUID) -> None:
    assert _problems(chain) == []


def test_an_entry_that_was_rolled_back_leaves_no_gap(chain: UUID) -> None:
    with tenancy.bound(chain):
        audit.record("test.regretted", "thing", 1)
    _record(chain, 7)
    assert _problems(chain) == []


def test_parallel_appends_make_one_chain(app: APIFlask, chain: UUID, owner: Connection) -> None:
    def act(number: int) -> None:
        with app.app_context():
            _record(chain, number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(30)))
    assert _problems(chain) == []
    count = text("SELECT count(*), max(sequence) FROM audit_entries WHERE tenant_id = :id")
    assert tuple(owner.execute(count, {"id": chain}).one()) == (36, 36)


_EDIT = "UPDATE audit_entries SET {what} WHERE {who} AND sequence = {at}"
_DELETE = "DELETE FROM audit_entries WHERE {who} AND sequence = {at}"
_INSERT = (
    "INSERT INTO audit_entries SELECT tenant_id, 7, at, actor_kind, actor_id, impersonator_id, verb, object_kind, "
    "object_id, before, after, request_id, hash, previous_hash FROM audit_entries WHERE {who} AND sequence = {at}"
)
# name: the statements (template, entry, what is set), and what verify() finds
TAMPERINGS: dict[str, tuple[list[tuple[str, int, str]], list[tuple[int, str]]]] = {
    "content edited": ([(_EDIT, 3, "after = jsonb_build_object('n', 9)")], [(3, "altered")]),
    "actor edited": ([(_EDIT, 3, "actor_id = 'x'")], [(3, "altered")]),
    "deleted": ([(_DELETE, 3, "")], [(3, "missing")]),
    "first one deleted": ([(_DELETE, 1, "")], [(1, "missing")]),
    "deleted and renumbered": (
        [(_DELETE, 3, ""), (_EDIT, 4, "sequence = 3")],
        [(3, "broken link"), (3, "altered"), (4, "missing")],
    ),
    "reordered": (
        [(_EDIT, 3, "sequence = 99"), (_EDIT, 4, "sequence = 3"), (_EDIT, 99, "sequence = 4")],
        [(3, "broken link"), (3, "altered"), (4, "broken link"), (4, "altered"), (5, "broken link")],
    ),
    "inserted": ([(_INSERT, 6, "")], [(7, "altered")]),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampering_is_found(chain: UUID, owner: Connection, tampering: str) -> None:
    statements, expected = TAMPERINGS[tampering]
    for template, entry, what in statements:
        owner.execute(text(template.format(what=what, at=entry, who="tenant_id = :chain")), {"chain": chain})
    assert _problems(chain) == expected


@pytest.mark.parametrize("verb", ["UPDATE audit_entries SET verb = 'x'", "DELETE FROM audit_entries"])
def test_the_running_portal_may_only_append(app: APIFlask, chain: UUID, verb: str) -> None:
    with tenancy.bound(chain), pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(verb))


def test_another_tenants_chain_is_out_of_sight(app: APIFlask, chain: UUID) -> None:
    with tenancy.bound(people.tenant()):
        seen = db.session.scalars(text("SELECT DISTINCT tenant_id FROM audit_entries")).all()
    assert chain not in seen


def test_an_entry_needs_a_tenant_and_no_floats(app: APIFlask, chain: UUID) -> None:
    with tenancy.bound(), pytest.raises(tenancy.BindingError):
        audit.record("test.acted", "thing", 1)
    with tenancy.bound(chain), pytest.raises(TypeError):
        audit.record("test.acted", "thing", 1, after={"amount": 29.0})


def test_values_that_json_does_not_know_have_one_form(app: APIFlask, chain: UUID) -> None:
    with tenancy.bound(chain):
        audit.record("test.acted", "thing", uuid7(), after={"at": datetime(2026, 1, 2, tzinfo=UTC), "id": chain})
        db.session.commit()
    assert _problems(chain) == []


def test_the_signed_in_person_is_the_actor(app: APIFlask, owner: Connection) -> None:
    member = people.member()
    client = browser(app, member)
    client.send("/account/preferences", language="es", format_locale="es_MX", timezone="UTC", theme="dark")
    row = owner.execute(text("SELECT * FROM audit_entries WHERE verb = 'user.preferences_changed'")).one()
    assert (row.tenant_id, row.actor_kind, row.actor_id) == (member.tenant_id, "user", str(member.user_id))
    assert row.before == {"language": "en", "format_locale": "en_US", "theme": "auto"}
    assert row.after == {"language": "es", "format_locale": "es_MX", "theme": "dark"}
    assert len(row.request_id) >= 8


@pytest.mark.parametrize(
    ("act", "verb"),
    [
        (lambda client: client.send("/sign-out"), "session.ended"),
        (lambda client: client.send("/account/sessions/revoke-others"), "session.others_revoked"),
    ],
)
def test_acts_leave_entries(
    app: APIFlask, owner: Connection, act: Callable[[people.Browser], object], verb: str
) -> None:
    member = people.member()
    act(browser(app, member))
    verbs = owner.execute(
        text("SELECT verb FROM audit_entries WHERE tenant_id = :id ORDER BY sequence"), {"id": member.tenant_id}
    )
    assert verbs.scalars().all()[-2:] == ["session.started", verb]
    assert audit.verify_all()[1] == []


def test_a_failed_sign_in_is_on_the_platforms_chain(app: APIFlask, owner: Connection) -> None:
    browser(app).sign_in(people.Person(uuid7(), "nobody@example.com", "wrong wrong wrong"))
    row = owner.execute(text("SELECT * FROM audit_entries WHERE verb = 'sign_in.failed'")).one()
    assert (row.tenant_id, row.actor_kind) == (tenancy.PLATFORM, "anonymous")
