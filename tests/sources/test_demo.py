"""A bare machine's portal shows sources at work: the sandbox's, with the demo's tenants linked."""

from dataclasses import replace

from portal.app import create_app
from portal.commands import demo_sources
from portal.embedded import neighbours
from portal.sources import connections, given, links
from tests.support import database, people
from tests.support.shopping import make_tenant


def test_tenants_are_linked_by_name_once_and_measured(settings, web, box, drain):
    for _ in range(2):
        neighbours.furnish(box.url)
    named = {name.lower(): value for name, value in neighbours.settings(box.url).items()}
    owner = create_app("owner", settings=replace(settings, **named))
    with owner.app_context():
        assert given.enter() == 2
        database.dispose(owner)
    acme, other = make_tenant("Acme Corp"), make_tenant("Nobody there")
    keeper = people.staff("admin").user_id
    for _ in range(2):
        demo_sources.link({"Acme Corp": acme, "Nobody there": other}, actor=keeper)
    drain()
    seen = [each for source in connections.listed() for each in links.of_source(source.id)]
    assert [(each.tenant_name, each.link.kind, each.link.state) for each in seen] == [
        ("Acme Corp", "netbox", "linked"),
        ("Acme Corp", "odoo", "linked"),
    ]
    figures = seen[0].link.figures | seen[1].link.figures
    assert (figures["netbox_devices"], figures["netbox_vms"], figures["odoo_users"]) == ("14", "9", "7")


def test_beside_stripe_itself_nothing_is_linked(web, monkeypatch):
    stripe = replace(web.extensions["settings"], stripe_api_base="https://api.stripe.com")
    monkeypatch.setitem(web.extensions, "settings", stripe)
    monkeypatch.setattr(connections, "listed", lambda: [1 / 0])
    demo_sources.link({}, actor=people.staff("admin").user_id)
