"""The contract's NETBOX_* and ODOO_* name sources that are entered once, and are staff's from then on."""

from dataclasses import replace

import pytest

from portal.app import create_app
from portal.sources import connections, given
from portal.sources.errors import InsecureAddress
from sandbox.outside.netbox import tokens
from sandbox.outside.odoo.seeding import ADMIN_KEY
from tests.support import database, people


@pytest.fixture(name="enter")
def fixture_enter(settings):
    """Do it as the owner, with settings on top."""

    def run(**more):
        app = create_app("owner", settings=replace(settings, **more))
        with app.app_context():
            number = given.enter()
            database.dispose(app)
        return number

    return run


def test_they_are_entered_once_and_work(web, box, enter):
    assert enter() == 0
    mine = {
        "netbox_api_url": f"{box.url}/netbox/", "netbox_api_token": tokens.READ,
        "odoo_api_url": f"{box.url}/odoo", "odoo_api_key": ADMIN_KEY, "odoo_database": "odoo", "odoo_login": "admin",
    }  # fmt: skip
    assert [enter(**mine), enter(**mine)] == [2, 2]
    assert [each.name for each in connections.listed()] == ["NetBox", "Odoo"]
    keeper = people.staff("admin").user_id
    versions = [connections.test(each.id, actor=keeper).version for each in connections.listed()]
    assert versions == ["4.6", "19.0"]
    assert enter(**{**mine, "netbox_api_url": "https://elsewhere.example"}) == 2
    assert connections.listed()[0].base_url == f"{box.url}/netbox"


def test_one_that_cannot_be_used_is_said(enter):
    with pytest.raises(InsecureAddress):
        enter(environment="production", netbox_api_url="http://netbox.example.com", netbox_api_token="x")
