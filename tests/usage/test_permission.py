"""Whether more may be used: what is no resource's code is answered without asking the database for it."""

import logging

import pytest

from portal import tenancy
from tests.support import keys


@pytest.fixture(name="ask")
def fixture_ask(app, client, tenant):
    with tenancy.bound(tenant):
        token = keys.made(["usage:read"])

    def ask(resource, key=token):
        path = f"/api/v1/uso/permiso?resource_type={resource}"
        return client.get(path, headers={"Authorization": f"Bearer {key}"})

    return ask


@pytest.mark.parametrize(
    "resource", ["", "%00", "api_calls%00", "API", "1st", "%ff", "a" * 64, "%F0%9F%92%A9", "api_calls%0a"]
)
def test_what_is_no_code_is_an_unknown_resource(ask, caplog, resource):
    with caplog.at_level(logging.WARNING):
        answer = ask(resource)
    assert (answer.status_code, answer.json["code"]) == (422, "unknown_resource")
    assert not caplog.records, "nothing is out of order"


def test_who_asks_is_asked_first(ask):
    assert ask("%00", "bp_test_nobody").status_code == 401
