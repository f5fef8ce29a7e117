"""10 failures in 15 minutes, per account and per address, also while Redis is away."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from apiflask import APIFlask
from flask import Flask
from sqlalchemy import Connection, text

from portal.app import create_app
from portal.config import Settings
from portal.security import limits, sign_in
from tests.support import people
from tests.support.people import PASSWORD, Person, browser

WRONG = "this is not the password"


def _fail(email: str, address: str) -> None:
    with pytest.raises(sign_in.WrongCredentials):
        sign_in.sign_in(email, WRONG, address=address, user_agent="test")


def _enter(email: str, address: str, password: str = PASSWORD) -> str:
    return sign_in.sign_in(email, password, address=address, user_agent="test")


def test_the_eleventh_try_on_an_account_is_refused_from_any_address(app: APIFlask) -> None:
    email = people.member().email
    for number in range(10):
        _fail(email, f"192.0.2.{number}")
    with pytest.raises(limits.TooManyAttempts) as refused:
        _enter(email, "198.51.100.1")
    assert refused.value.params["minutes"] == 15
    assert 890 <= refused.value.params["retry_after"] <= 900


def test_the_eleventh_try_from_an_address_is_refused_for_any_account(app: APIFlask) -> None:
    email = people.member().email
    for number in range(10):
        _fail(f"guess-{number}@example.com", "192.0.2.1")
    with pytest.raises(limits.TooManyAttempts):
        _enter(email, "192.0.2.1")
    assert _enter(email, "192.0.2.2")


def test_an_unknown_account_is_refused_like_a_known_one(app: APIFlask) -> None:
    for number in range(10):
        _fail("nobody@example.com", f"192.0.2.{number}")
    with pytest.raises(limits.TooManyAttempts):
        _enter("Nobody@Example.com ", "198.51.100.1")


def test_refused_tries_do_not_make_the_wait_longer(app: APIFlask, owner: Connection) -> None:
    email = people.member().email
    for number in range(10):
        _fail(email, f"192.0.2.{number}")
    owner.execute(text("UPDATE login_attempts SET created_at = created_at - interval '14 minutes'"))
    for number in range(20):
        with pytest.raises(limits.TooManyAttempts):
            _enter(email, f"198.51.100.{number}")
    owner.execute(text("UPDATE login_attempts SET created_at = created_at - interval '61 seconds'"))
    assert _enter(email, "203.0.113.1")


def test_a_success_forgives_the_accounts_failures_but_not_the_addresss(app: APIFlask) -> None:
    email = people.member().email
    for _ in range(9):
        _fail(email, "192.0.2.1")
    assert _enter(email, "192.0.2.1")
    _fail(email, "192.0.2.1")
    with pytest.raises(limits.TooManyAttempts):
        _enter(email, "192.0.2.1")
    for number in range(8):
        _fail(email, f"198.51.100.{number}")
    assert _enter(email, "203.0.113.1")


def test_successes_of_one_office_are_not_failures(app: APIFlask) -> None:
    email = people.member().email
    for _ in range(15):
        assert _enter(email, "192.0.2.1")


def test_an_ipv6_customer_is_one_address(app: APIFlask) -> None:
    for number in range(10):
        _fail(f"guess-{number}@example.com", f"2001:db8:1:2::{number}")
    with pytest.raises(limits.TooManyAttempts):
        _enter("other@example.com", "2001:db8:1:2:ffff::1")
    _fail("other@example.com", "2001:db8:1:3::1")


def test_parallel_guesses_do_not_slip_under_the_limit(app: APIFlask, owner: Connection) -> None:
    email = people.member().email

    def guess(number: int) -> str:
        with app.app_context():
            try:
                _enter(email, f"192.0.2.{number}", WRONG)
            except (sign_in.WrongCredentials, limits.TooManyAttempts) as error:
                return error.code
        return "entered"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(24)))
    assert answers.count("wrong_credentials") == 10
    assert answers.count("too_many_attempts") == 14
    assert owner.execute(text("SELECT count(*) FROM login_attempts")).scalar_one() == 10


def test_the_page_says_how_long_to_wait_while_redis_is_away(settings: Settings, app: APIFlask) -> None:
    member = people.member()
    away: Flask = _without_redis(settings)
    client = browser(away)
    for _ in range(10):
        assert client.sign_in(Person(member.user_id, member.email, WRONG)).status_code == 422
    response = client.sign_in(member)
    assert response.status_code == 429
    assert "Please wait 15 min" in response.text
    assert 0 < int(response.headers["Retry-After"]) <= 900
    assert client.get("/account").status_code == 302


def test_neither_passwords_nor_addresses_of_accounts_are_kept(app: APIFlask, owner: Connection) -> None:
    _fail("my-secret-typed-into-the-wrong-field", "192.0.2.1")
    for table in ("login_attempts", "audit_entries"):
        rows = owner.execute(text(f"SELECT t::text FROM {table} t")).scalars().all()  # noqa: S608
        assert rows
        assert "my-secret" not in " ".join(rows)
        assert WRONG not in " ".join(rows)


def _without_redis(settings: Settings) -> Flask:
    from blueprints import PAGES

    return create_app("web", settings=replace(settings, redis_url="redis://127.0.0.1:1/0"), blueprints=PAGES)
