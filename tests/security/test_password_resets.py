"""A new password by mail: one answer for all, one hour, one use."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, text

from portal.security import limits, password_resets, passwords, sign_in
from tests.support import people
from tests.support.people import PASSWORD, Person, browser

NEW = "another calm and exact one"
OWED = text("SELECT payload FROM outbox WHERE kind = 'mail.password_reset'")


def _ask(email: str, address: str = "192.0.2.1") -> None:
    sign_in.request_password_reset(email, address=address, language="es")


def _issue(worker: APIFlask, person: Person) -> str:
    with worker.app_context():
        return password_resets.issue(person.user_id)


def test_the_answer_does_not_tell_whether_the_account_exists(app: APIFlask, owner: Connection) -> None:
    known = browser(app).send("/forgot-password", "/forgot-password", email=people.member().email)
    assert len(owner.execute(OWED).all()) == 1
    unknown = browser(app).send("/forgot-password", "/forgot-password", email="nobody@example.com")
    assert len(owner.execute(OWED).all()) == 1
    assert known.status_code == unknown.status_code == 200
    without_token = [page.text.replace(people.form_token(page.text), "") for page in (known, unknown)]
    assert without_token[0] == without_token[1]


def test_the_owed_mail_carries_no_token(app: APIFlask, owner: Connection) -> None:
    member = people.member()
    _ask(member.email.upper())
    assert owner.execute(OWED).scalar_one() == {"user_id": str(member.user_id), "language": "es"}
    assert owner.execute(text("SELECT count(*) FROM password_resets")).scalar_one() == 0


def test_the_sixth_request_in_an_hour_is_dropped_without_a_word(app: APIFlask, owner: Connection) -> None:
    member = people.member()
    for number in range(7):
        _ask(member.email, f"192.0.2.{number}")
    assert len(owner.execute(OWED).all()) == 5
    sign_in.sign_in(member.email, PASSWORD, address="192.0.2.1", user_agent="")


def test_a_link_sets_a_new_password_once_and_ends_all_sessions(app: APIFlask, worker: APIFlask) -> None:
    member = people.member()
    running = browser(app, member)
    token = _issue(worker, member)
    client = browser(app)
    url = f"/reset-password/{token}"
    assert client.get(url).status_code == 200
    done = client.send(url, url, new_password=NEW, repeated=NEW)
    assert (done.status_code, done.location) == (303, "/sign-in")
    assert running.get("/account").status_code == 302
    assert browser(app).sign_in(member).status_code == 422
    assert browser(app).sign_in(Person(member.user_id, member.email, NEW)).status_code == 303
    assert client.get(url).status_code == 410
    with pytest.raises(password_resets.ResetLinkSpent):
        password_resets.redeem(token, PASSWORD)


def test_a_newer_link_voids_the_older_one(app: APIFlask, worker: APIFlask) -> None:
    member = people.member()
    older, newer = _issue(worker, member), _issue(worker, member)
    assert not password_resets.is_redeemable(older)
    assert password_resets.is_redeemable(newer)


def test_of_two_links_that_are_made_at_once_one_is_void(
    app: APIFlask, worker: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers mail the same person; neither sees what the other has not committed."""
    member, both, void = people.member(), Barrier(2), password_resets._void_all

    def void_beside_the_other(user_id: UUID) -> None:
        void(user_id)
        with suppress(BrokenBarrierError):
            both.wait(timeout=0.5)

    monkeypatch.setattr(password_resets, "_void_all", void_beside_the_other)
    with ThreadPoolExecutor(2) as pool:
        tokens = list(pool.map(lambda _: _issue(worker, member), range(2)))
    assert [password_resets.is_redeemable(token) for token in tokens].count(True) == 1


def test_a_link_ends_after_an_hour(app: APIFlask, worker: APIFlask, owner: Connection) -> None:
    token = _issue(worker, people.member())
    owner.execute(text("UPDATE password_resets SET expires_at = expires_at - interval '59 minutes'"))
    assert password_resets.is_redeemable(token)
    owner.execute(text("UPDATE password_resets SET expires_at = expires_at - interval '61 seconds'"))
    with pytest.raises(password_resets.ResetLinkSpent):
        password_resets.redeem(token, NEW)


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00", "..", "é", "' OR 1=1 --"])
def test_an_invented_link_is_no_longer_valid(app: APIFlask, token: str) -> None:
    assert browser(app).get(f"/reset-password/{token}").status_code in (404, 410)


def test_a_weak_password_leaves_the_link_as_it_was(app: APIFlask, worker: APIFlask) -> None:
    url = f"/reset-password/{_issue(worker, people.member())}"
    client = browser(app)
    for new, repeated in (("password123", "password123"), ("short", "short"), (NEW, "other"), ("", "")):
        refused = client.send(url, url, new_password=new, repeated=repeated)
        assert refused.status_code == 422
        assert 'aria-invalid="true"' in refused.text
    assert client.send(url, url, new_password=NEW, repeated=NEW).status_code == 303


def test_of_two_who_redeem_at_once_one_wins(app: APIFlask, worker: APIFlask) -> None:
    token = _issue(worker, people.member())

    def redeem(number: int) -> bool:
        with app.app_context():
            try:
                password_resets.redeem(token, f"{NEW} {number}")
            except password_resets.ResetLinkSpent:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(redeem, range(4))) == [False, False, False, True]


def test_the_link_is_the_way_out_of_a_lock_out(app: APIFlask, worker: APIFlask) -> None:
    member = people.member()
    for number in range(10):
        with pytest.raises(sign_in.WrongCredentials):
            sign_in.sign_in(member.email, "wrong wrong wrong", address=f"192.0.2.{number}", user_agent="")
    with pytest.raises(limits.TooManyAttempts):
        sign_in.sign_in(member.email, PASSWORD, address="198.51.100.1", user_agent="")
    password_resets.redeem(_issue(worker, member), NEW)
    assert sign_in.sign_in(member.email, NEW, address="198.51.100.1", user_agent="")


def test_the_database_keeps_the_links_hash_only(app: APIFlask, worker: APIFlask, owner: Connection) -> None:
    token = _issue(worker, people.member())
    row = owner.execute(text("SELECT r::text FROM password_resets r")).scalar_one()
    assert token not in row
    assert token.encode().hex() not in row


def test_a_new_password_is_judged_before_it_is_hashed(app: APIFlask, worker: APIFlask) -> None:
    token = _issue(worker, people.member(email="ana.maria.example@example.com"))
    with pytest.raises(passwords.WeakPassword):
        password_resets.redeem(token, "Ana.Maria.Example")
