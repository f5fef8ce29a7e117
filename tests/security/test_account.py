"""The account page: how one reads, the password, the sessions, the tenant looked at."""

from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, text

from portal.ids import uuid7
from portal.security import people as verbs
from portal.security.sessions import OwnSession
from tests.support import people
from tests.support.people import PASSWORD, Person, browser

NEW = "another calm and exact one"


def _password(current: str = PASSWORD, new: str = NEW, repeated: str = NEW) -> dict[str, str]:
    return {"current_password": current, "new_password": new, "repeated": repeated}


def test_preferences_are_kept_and_used(app: APIFlask) -> None:
    client = browser(app, people.member())
    choice = {"language": "pt_BR", "format_locale": "pt_BR", "timezone": "America/Sao_Paulo", "theme": "dark"}
    assert client.send("/account/preferences", **choice).status_code == 303
    page = client.get("/account").text
    assert 'lang="pt-BR"' in page
    assert 'data-bs-theme="dark"' in page
    assert '<option value="America/Sao_Paulo" selected>' in page


@pytest.mark.parametrize(
    "change", [{"language": "xx"}, {"format_locale": "tlh"}, {"timezone": "Mars/Olympus"}, {"theme": "pink"}]
)
def test_an_unknown_preference_is_said_at_its_field(app: APIFlask, change: dict[str, str]) -> None:
    client = browser(app, people.member())
    choice = {"language": "en", "format_locale": "en_US", "timezone": "UTC", "theme": "auto", **change}
    response = client.send("/account/preferences", **choice)
    assert response.status_code == 422
    assert f'aria-describedby="{next(iter(change))}-error"' in response.text


def test_a_new_password_ends_every_other_session(app: APIFlask) -> None:
    member = people.member()
    client, other = browser(app, member), browser(app, member)
    before = client.get_cookie("portal_session").value
    assert client.send("/account/password", **_password()).status_code == 303
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    thief = browser(app)
    thief.set_cookie("portal_session", before)
    assert thief.get("/account").status_code == 302
    assert browser(app).sign_in(member).status_code == 422
    assert browser(app).sign_in(Person(member.user_id, member.email, NEW)).status_code == 303


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (_password(current="wrong wrong wrong"), "current_password"),
        (_password(current=""), "current_password"),
        (_password(new="short", repeated="short"), "new_password"),
        (_password(new="password123", repeated="password123"), "new_password"),
        (_password(repeated="something else"), "repeated"),
    ],
)
def test_a_refused_password_is_said_at_its_field(app: APIFlask, form: dict[str, str], field: str) -> None:
    client = browser(app, people.member())
    response = client.send("/account/password", **form)
    assert response.status_code == 422
    assert f'id="{field}-error"' in response.text
    assert 'aria-invalid="true"' in response.text


def test_a_stolen_session_is_no_place_to_guess_in(app: APIFlask) -> None:
    client = browser(app, people.member())
    for _ in range(10):
        assert client.send("/account/password", **_password(current="wrong wrong wrong")).status_code == 422
    assert client.send("/account/password", **_password()).status_code == 429


def test_one_of_ones_sessions_can_be_ended(app: APIFlask, owner: Connection) -> None:
    member = people.member()
    first, second = browser(app, member), browser(app, member)
    newest_first = text("SELECT id FROM user_sessions ORDER BY created_at DESC")
    of_second, of_first = owner.execute(newest_first).scalars().all()
    assert first.send(f"/account/sessions/{of_second}/revoke").status_code == 303
    assert second.get("/account").status_code == 302
    assert first.send(f"/account/sessions/{of_first}/revoke").location == "/sign-in"
    assert first.get("/account").status_code == 302


def test_a_foreign_session_is_a_missing_one(app: APIFlask, owner: Connection) -> None:
    victim = browser(app, people.member())
    foreign = owner.execute(text("SELECT id FROM user_sessions")).scalar_one()
    client = browser(app, people.member())
    answers = [client.send(f"/account/sessions/{wanted}/revoke") for wanted in (foreign, uuid7())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert victim.get("/account").status_code == 200


def test_all_other_sessions_can_be_ended(app: APIFlask) -> None:
    member = people.member()
    first, second, third = (browser(app, member) for _ in range(3))
    first.send("/account/sessions/revoke-others")
    assert [client.get("/account").status_code for client in (first, second, third)] == [200, 302, 302]


def test_one_switches_between_ones_tenants(app: APIFlask) -> None:
    member = people.member(people.tenant("Alpha"))
    beta = people.tenant("Beta")
    verbs.add_member(beta, member.user_id, "viewer")
    client = browser(app, member)
    assert ">Alpha<" in client.get("/account").text
    before = client.get_cookie("portal_session").value
    form_of_alpha = client.token("/account")
    assert client.send("/tenant", tenant_id=str(beta)).status_code == 303
    page = client.get("/account").text
    assert '<span class="text-truncate">Beta</span><' in page.replace("</span>\n", "</span>")
    stale = client.post("/account/sessions/revoke-others", data={"csrf_token": form_of_alpha})
    assert stale.status_code == 400, "a form of the tenant left behind must not act on the new one"
    thief = browser(app)
    thief.set_cookie("portal_session", before)
    assert thief.get("/account").status_code == 302
    again = browser(app, member)
    assert again.send("/plans").status_code in (302, 405)
    assert '<span class="text-truncate">Beta</span><' in again.get("/account").text.replace("</span>\n", "</span>")


@pytest.mark.parametrize("wanted", ["foreign", "missing", "garbage", ""])
def test_a_tenant_that_is_not_ones_own_is_missing(app: APIFlask, wanted: str) -> None:
    tenant_id = {"foreign": str(people.tenant()), "missing": str(uuid7())}.get(wanted, wanted)
    assert browser(app, people.member()).send("/tenant", tenant_id=tenant_id).status_code == 404


def test_who_leaves_a_tenant_is_signed_out(app: APIFlask, owner: Connection) -> None:
    client = browser(app, people.member())
    owner.execute(text("DELETE FROM memberships"))
    assert client.get("/account").status_code == 302


def test_a_lower_role_takes_effect_at_once(app: APIFlask, owner: Connection) -> None:
    client = browser(app, people.member(role="owner"))
    owner.execute(text("UPDATE memberships SET role = 'viewer'"))
    assert client.send("/checkout").status_code == 403


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36", "Chrome, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari, iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_a_session_is_named_so_that_one_knows_it_again(user_agent: str, name: str) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert OwnSession(uuid7(), "", user_agent, moment, moment).browser == name
