"""Requests in a person's name that the person did not make."""

import pytest
from apiflask import APIFlask
from sqlalchemy import Connection, text

from portal.ids import uuid7
from portal.security.guards import guard_of
from tests.support import people
from tests.support.people import browser


def _unsafe_paths(app: APIFlask) -> list[str]:
    found = []
    for rule in app.url_map.iter_rules():
        guard = guard_of(app, rule.endpoint)
        if "POST" in rule.methods and guard is not None and guard.kind not in ("machine", "bearer"):
            parts = [str(uuid7()) if part.startswith("<") else part for part in rule.rule.split("/")]
            found.append("/".join(parts))
    return found


@pytest.mark.parametrize("forgery", ["no token", "garbage", "another session's", "cross-site"])
def test_no_unsafe_route_takes_a_forged_request(app: APIFlask, owner: Connection, forgery: str) -> None:
    client = browser(app, people.member())
    foreign = browser(app, people.member()).token("/account")
    token = {"no token": None, "garbage": "garbage", "another session's": foreign}.get(
        forgery, client.token("/account")
    )
    headers = {"Sec-Fetch-Site": "cross-site"} if forgery == "cross-site" else {}
    acts = text("SELECT count(*) FROM audit_entries")
    before = owner.execute(acts).scalar_one()
    paths = _unsafe_paths(app)
    assert len(paths) >= 10
    answers = {path: client.post(path, data={"csrf_token": token} if token else {}, headers=headers) for path in paths}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 400)
    assert owner.execute(acts).scalar_one() == before
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_the_token_in_htmx_header_is_enough(app: APIFlask, site: str) -> None:
    client = browser(app, people.member())
    headers = {"X-CSRFToken": client.token("/account"), "Sec-Fetch-Site": site}
    assert client.post("/account/sessions/revoke-others", headers=headers).status_code == 303


def test_a_machines_route_needs_no_token(app: APIFlask) -> None:
    response = browser(app).post("/webhooks/stripe", data=b"{}", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 400
    assert "csrf" not in response.text.lower()


def test_the_token_of_an_open_form_outlives_the_hour(app: APIFlask) -> None:
    assert app.config["WTF_CSRF_TIME_LIMIT"] is None
