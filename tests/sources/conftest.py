"""A NetBox and an Odoo with two tenants each, empty otherwise, and connections to both."""

import pytest

from portal.sources.base import Connection
from sandbox.outside.netbox import tokens
from sandbox.outside.odoo.seeding import ADMIN_KEY, BOT_KEY

__all__ = ["ADMIN_KEY", "BOT_KEY"]

ACME = {"tenants": [{"name": "Acme"}, {"name": "Globex"}],
        "devices": [{"tenant": "acme", "count": 5}, {"tenant": "globex", "count": 7}, {"count": 3}],
        "virtual_machines": [{"tenant": "acme", "name": "vm", "count": 2, "vcpus": 2.5, "memory": 4096, "disk": 20500},
                             {"tenant": "globex", "name": "other", "vcpus": 8, "memory": 1, "disk": 1}],
        "ip_addresses": [{"tenant": "acme", "count": 4}], "prefixes": [{"tenant": "acme", "count": 1}]}  # fmt: skip


@pytest.fixture(name="box")
def fixture_box(stripe_sandbox):
    """The sandbox, without what earlier tests left at its NetBox and Odoo."""
    for name in ("netbox", "odoo"):
        stripe_sandbox.forget(name)
        stripe_sandbox.post(f"{name}/mood", mode="normal", answers=[])
    return stripe_sandbox


@pytest.fixture(name="netbox")
def fixture_netbox(web, box):
    """The ids of its tenants by slug, and a connection."""
    made = box.post("netbox/objects", **ACME)
    return dict(zip(("acme", "globex"), map(str, made["tenants"]), strict=True)), netbox_at(box)


def netbox_at(box, token=tokens.READ):
    return Connection(f"{box.url}/netbox", token)


def odoo_at(box, key=ADMIN_KEY, **options):
    return Connection(f"{box.url}/odoo", key, options)
