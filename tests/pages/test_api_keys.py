"""API keys on their page: an owner makes and revokes, everybody of the tenant looks, nobody else sees any."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from portal import clock, tenancy
from portal.billing import api_keys
from portal.ids import uuid7
from portal.models import ApiKey, AuditEntry, Notice
from portal.security import api_keys as security_keys
from tests.support import html, people

PAGE = "/api-keys"


def form_of(browser, **changes):
    fields = html.page(browser.get(PAGE)).form(PAGE).fields()
    sent = {"name": "ci", "scopes": "usage:write", "expires_in_days": ""}
    return {"csrf_token": fields["csrf_token"], "attempt": fields["attempt"], **sent} | {
        name: value for name, value in changes.items() if value is not None
    }


def make(browser, **changes):
    answer = browser.post(PAGE, data=form_of(browser, **changes))
    assert answer.status_code == 201, answer.text
    [token] = set(re.findall(r"bp_test_\w+", answer.text))
    return token


def test_a_key_is_shown_once_and_works(browser, write):
    assert "No API keys yet." in html.page(browser.get(PAGE)).text
    token = make(browser, name=" the server ", scopes=["usage:write", "usage:read"])
    listed = html.page(browser.get(PAGE))
    assert token not in browser.get(PAGE).text
    assert "the server" in listed.text
    assert token[:12] in listed.text
    assert "never" in listed.text
    auth = {"Authorization": f"Bearer {token}"}
    event = {"resource_type": "api_calls", "quantity": 1}
    assert browser.post("/api/v1/uso", json=event, headers=auth).status_code == 201
    key = write.scalars(select(ApiKey)).one()
    assert (key.name, key.scopes, key.expires_at) == ("the server", ["usage:read", "usage:write"], None)
    assert write.scalars(select(Notice.kind)).all() == ["api_key_created"]
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "api_key.create")).one()
    assert entry.after == {"name": "the server", "scopes": ["usage:read", "usage:write"]}


def test_its_page_is_kept_by_no_cache_and_says_how_it_is_used(browser):
    answer = browser.post(PAGE, data=form_of(browser))
    assert "no-store" in answer.headers["Cache-Control"]
    page = html.page(answer, 201)
    assert "curl http" in page.text
    assert "/api/v1/usage" in page.text
    assert "permission" not in page.text  # it may only report


def test_a_form_that_is_sent_twice_makes_one_key(browser, write):
    form = form_of(browser)
    assert browser.post(PAGE, data=form).status_code == 201
    again = browser.post(PAGE, data=form)
    assert "a key is shown only once" in html.page(again, 409).text
    assert len(write.scalars(select(ApiKey.id)).all()) == 1
    anew = html.page(again, 409).form(PAGE).fields()["attempt"]
    assert anew != form["attempt"]
    assert browser.post(PAGE, data={**form, "attempt": anew}).status_code == 201


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "A name has 1 to 60 characters"),
        ({"name": "   "}, "A name has 1 to 60 characters"),
        ({"name": "x" * 61}, "A name has 1 to 60 characters"),
        ({"name": "a\x00b"}, "remove characters that cannot be shown"),
        ({"scopes": []}, "Choose at least one thing"),
        ({"scopes": "everything"}, "everything"),
        ({"expires_in_days": "0"}, "Not a valid choice"),
        ({"attempt": "mine"}, "Invalid UUID"),
    ],
)
def test_what_makes_no_key(browser, write, changes, sentence):
    page = html.page(browser.post(PAGE, data=form_of(browser, **changes)), 422)
    assert sentence in page.text
    assert write.scalars(select(ApiKey)).all() == []


def test_it_ends_by_itself(browser, write, monkeypatch):
    token = make(browser, expires_in_days="30")
    key = write.scalars(select(ApiKey)).one()
    assert timedelta(days=29) < key.expires_at - clock.now() <= timedelta(days=30)
    key.expires_at = clock.now() - timedelta(minutes=1)
    write.commit()
    assert "Expired" in html.page(browser.get(PAGE)).text
    assert browser.get("/api/v1/uso/resumen", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_revoked_at_once_and_for_ever(browser, write):
    token = make(browser, scopes="usage:read")
    auth = {"Authorization": f"Bearer {token}"}
    assert browser.get("/api/v1/uso/resumen", headers=auth).status_code == 200
    path = f"{PAGE}/{write.scalars(select(ApiKey.id)).one()}/revoke"
    for _ in range(2):
        assert browser.send(path, PAGE).status_code == 303
    assert browser.get("/api/v1/uso/resumen", headers=auth).status_code == 401
    page = html.page(browser.get(PAGE))
    assert "Revoked" in page.text
    assert page.all("form", action=path) == []
    assert sorted(write.scalars(select(Notice.kind))) == ["api_key_created", "api_key_revoked"]
    assert len(write.scalars(select(AuditEntry).where(AuditEntry.verb == "api_key.revoke")).all()) == 1


@pytest.mark.parametrize("role", ["billing", "developer", "viewer"])
def test_others_of_the_tenant_only_look(app, person, browser, write, role):
    make(browser, name="the server")
    path = f"{PAGE}/{write.scalars(select(ApiKey.id)).one()}/revoke"
    looker = people.browser(app, people.member(person.tenant_id, role))
    page = html.page(looker.get(PAGE))
    assert "the server" in page.text
    assert page.all("form", action=PAGE) == page.all("form", action=path) == []
    assert [looker.send(each).status_code for each in (PAGE, path)] == [403, 403]


def test_another_tenants_keys_are_as_if_they_were_not(app, browser, write):
    make(browser, name="the server")
    key = write.scalars(select(ApiKey)).one()
    rival = people.browser(app, people.member())
    assert "the server" not in rival.get(PAGE).text
    assert rival.send(f"{PAGE}/{key.id}/revoke").status_code == 404
    write.refresh(key)
    assert key.revoked_at is None
    # Nor does its id say that it exists: the same one is free in another tenant.
    assert rival.post(PAGE, data=form_of(rival, attempt=str(key.id))).status_code == 201


def test_there_is_an_end_to_their_number(web, tenant, monkeypatch):
    monkeypatch.setattr(api_keys, "MOST_KEYS", 2)
    actor = uuid7()
    with tenancy.bound(tenant):
        first = api_keys.make(api_keys.Draft(uuid7(), "1", ("usage:read",)), actor=actor).key.id
    with tenancy.bound(tenant):
        api_keys.make(api_keys.Draft(uuid7(), "2", ("usage:read",)), actor=actor)
        with pytest.raises(api_keys.TooManyKeys):
            api_keys.make(api_keys.Draft(uuid7(), "3", ("usage:read",)), actor=actor)
        api_keys.revoke(UUID(str(first)), actor=actor)
        assert api_keys.make(api_keys.Draft(uuid7(), "3", ("usage:read",)), actor=actor)
        assert len(security_keys.of_tenant()) == 3
