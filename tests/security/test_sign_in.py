"""Signing in and out, through the pages and the verbs, on real PostgreSQL."""

import pytest
from apiflask import APIFlask
from flask import Flask
from sqlalchemy import Connection, text

from portal.app import create_app
from portal.config import Settings
from portal.ids import uuid7
from portal.security import passwords
from tests.support import people
from tests.support.people import PASSWORD, Person, browser

WRONG = "this is not the password"


def _cookie(response: object) -> str:
    return next(value for value in response.headers.getlist("Set-Cookie") if "session=" in value)  # type: ignore[attr-defined]


def test_a_member_signs_in_and_lands_on_the_overview(app: APIFlask) -> None:
    member = people.member()
    response = browser(app).sign_in(member)
    assert (response.status_code, response.location) == (303, "/")


def test_the_way_back_is_kept_through_the_sign_in(app: APIFlask) -> None:
    member = people.member()
    client = browser(app)
    refused = client.get("/account?x=1")
    assert (refused.status_code, refused.location) == (302, "/sign-in?next=%2Faccount%3Fx%3D1")
    assert 'name="next" value="/account?x=1"' in client.get(refused.location).text
    assert client.sign_in(member, next="/account?x=1").location == "/account?x=1"


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "/%2f%2fevil.example"])
def test_a_hostile_way_back_is_ignored(app: APIFlask, target: str) -> None:
    assert browser(app).sign_in(people.member(), next=target).location == "/"


def test_the_address_is_read_without_case_and_spaces(app: APIFlask) -> None:
    member = people.member(email="Ana@Example.com")
    same = Person(member.user_id, "  ANA@example.COM ", PASSWORD)
    assert browser(app).sign_in(same).status_code == 303


@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_password_and_an_unknown_account_get_the_same_page(app: APIFlask, known: bool) -> None:
    email = people.member().email if known else "nobody@example.com"
    response = browser(app).sign_in(Person(uuid7(), email, WRONG))
    assert response.status_code == 422
    assert "E-mail address and password do not match." in response.text
    assert 'aria-invalid="true"' in response.text
    assert WRONG not in response.text


def test_a_disabled_user_gets_the_same_answer(app: APIFlask, owner: Connection) -> None:
    member = people.member()
    client = browser(app, member)
    owner.execute(text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": member.user_id})
    assert browser(app).sign_in(member).status_code == 422
    assert client.get("/account").status_code == 302, "and the running session is over"


@pytest.mark.parametrize("field", ["email", "password"])
def test_an_empty_field_is_said_at_the_field(app: APIFlask, field: str) -> None:
    response = browser(app).sign_in(people.user(), **{field: ""})
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text


@pytest.mark.parametrize("email", ["a\x00b@example.com", "a" * 300 + "@example.com", "\r\nBcc: x@example.com", "'; --"])
def test_garbage_for_an_address_is_refused_without_a_trace(app: APIFlask, email: str) -> None:
    assert browser(app).sign_in(Person(uuid7(), email, WRONG)).status_code == 422


def test_the_session_is_new_at_every_sign_in_and_the_old_one_is_dead(app: APIFlask) -> None:
    member = people.member()
    client = browser(app, member)
    before = client.get_cookie("portal_session").value
    assert client.sign_in(member).status_code == 303
    assert client.get_cookie("portal_session").value != before
    thief = browser(app)
    thief.set_cookie("portal_session", before)
    assert thief.get("/account").status_code == 302


def test_a_copied_cookie_is_worth_nothing_after_sign_out(app: APIFlask) -> None:
    client = browser(app, people.member())
    copied = client.get_cookie("portal_session").value
    assert client.send("/sign-out").location == "/sign-in"
    thief = browser(app)
    thief.set_cookie("portal_session", copied)
    assert thief.get("/account").status_code == 302


def test_the_cookie_is_for_this_site_and_not_for_scripts(app: APIFlask) -> None:
    cookie = _cookie(browser(app).sign_in(people.member()))
    assert cookie.startswith("portal_session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_on_https_the_cookie_is_bound_to_the_host(app: APIFlask, settings: Settings) -> None:
    member = people.member()
    client = browser(_https(settings))
    page = client.get("/sign-in", base_url="https://portal.example")
    form = {"csrf_token": people.form_token(page.text), "email": member.email, "password": member.password}
    response = client.post("/sign-in", data=form, base_url="https://portal.example")
    cookie = _cookie(response)
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_the_database_keeps_no_token(app: APIFlask, owner: Connection) -> None:
    browser(app, people.member())
    row = owner.execute(text("SELECT token_hash, user_agent, expires_at - created_at AS life FROM user_sessions")).one()
    assert len(row.token_hash) == 32
    assert round(row.life.total_seconds() / 86400) == 30


@pytest.mark.parametrize(
    ("is_staff", "change", "is_over"),
    [
        (False, "last_seen_at = now() - interval '6 days 23 hours'", False),
        (False, "last_seen_at = now() - interval '7 days 1 minute'", True),
        (False, "expires_at = now()", True),
        (False, "revoked_at = now()", True),
        (True, "last_seen_at = now() - interval '59 minutes'", False),
        (True, "last_seen_at = now() - interval '61 minutes'", True),
    ],
)
def test_a_session_ends(app: APIFlask, owner: Connection, is_staff: bool, change: str, is_over: bool) -> None:
    client = browser(app, people.staff() if is_staff else people.member())
    owner.execute(text(f"UPDATE user_sessions SET {change}"))  # noqa: S608
    assert (client.get("/account").status_code == 302) is is_over


def test_staff_sessions_live_twelve_hours(app: APIFlask, owner: Connection) -> None:
    browser(app, people.staff())
    life = owner.execute(text("SELECT expires_at - created_at FROM user_sessions")).scalar_one()
    assert round(life.total_seconds() / 3600) == 12


def test_use_is_noted_at_most_once_a_minute(app: APIFlask, owner: Connection) -> None:
    client = browser(app, people.member())
    seen = text("SELECT last_seen_at FROM user_sessions")
    first = owner.execute(seen).scalar_one()
    client.get("/account")
    assert owner.execute(seen).scalar_one() == first
    owner.execute(text("UPDATE user_sessions SET last_seen_at = now() - interval '2 minutes'"))
    client.get("/account")
    assert owner.execute(seen).scalar_one() > first


def test_a_forged_cookie_is_nobody(app: APIFlask) -> None:
    client = browser(app)
    for value in ("garbage", "eyJfdXNlcl9pZCI6ImEifQ.aaaaaa.bbbbbbbb", ""):
        client.set_cookie("portal_session", value)
        assert client.get("/account").status_code == 302


def test_staff_without_a_tenant_land_on_their_pages(app: APIFlask) -> None:
    client = browser(app)
    assert client.sign_in(people.staff()).location == "/staff"
    assert client.get("/").location == "/staff"


def test_a_user_without_a_place_gets_a_clear_page(app: APIFlask) -> None:
    client = browser(app)
    assert client.sign_in(people.user()).location == "/no-organisation"
    assert "does not belong to an organisation" in client.get("/no-organisation").text
    assert client.get("/").status_code == 403
    assert client.get("/account").status_code == 200


def test_whoever_is_signed_in_does_not_sign_in_again(app: APIFlask) -> None:
    client = browser(app, people.member())
    assert client.get("/sign-in").location == "/"
    assert client.get("/sign-in?next=/account").location == "/account"


def test_a_fragment_tells_htmx_where_to_go(app: APIFlask) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/account?a=1"}
    response = browser(app).get("/account", headers=headers)
    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/sign-in?next=%2Faccount%3Fa%3D1"


def test_an_old_hash_is_made_anew_at_the_sign_in(app: APIFlask, owner: Connection) -> None:
    member = people.member()
    stored = text("SELECT password_hash FROM users WHERE id = :id")
    before = owner.execute(stored, {"id": member.user_id}).scalar_one()
    app.extensions["password_cost"] = passwords.Cost(memory_kib=16, passes=1)
    client = app.test_client()
    assert client.sign_in(member).status_code == 303
    after = owner.execute(stored, {"id": member.user_id}).scalar_one()
    assert before != after
    assert "m=16" in after


def _https(settings: Settings) -> Flask:
    from dataclasses import replace

    from blueprints import PAGES

    return create_app("web", settings=replace(settings, public_url="https://portal.example"), blueprints=PAGES)
