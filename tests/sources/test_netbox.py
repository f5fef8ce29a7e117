"""NetBox as it is, quirk by quirk, over HTTP with pynetbox; figures are those of one tenant or none at all."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pynetbox
import pytest

from portal.sources import netbox as adapter
from portal.sources.base import Connection, Wanted
from portal.sources.errors import (
    AddressRefused,
    CountsDisagree,
    KeyRefused,
    PermissionMissing,
    TooOld,
    UnknownTenant,
    Unreachable,
    Unreadable,
)
from portal.sources.netbox import SOURCE
from sandbox.outside.netbox import tokens
from tests.sources.conftest import netbox_at


def wanted(target):
    return Wanted(str(target), date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))


def test_one_tenants_figures(netbox):
    ids, connection = netbox
    assert SOURCE.measure(connection, wanted(ids["acme"])).levels == {
        "netbox_devices": 5,
        "netbox_vms": 2,
        "netbox_ips": 4,
        "netbox_prefixes": 1,
        "netbox_vcpus": Decimal("5.000"),
        "netbox_memory_gb": Decimal("8.000"),
        "netbox_disk_gb": Decimal("41.000"),
    }
    assert set(SOURCE.measure(connection, wanted(ids["acme"])).levels) == set(SOURCE.resources)


def test_its_tenants_and_version(netbox, box):
    ids, connection = netbox
    assert [(each.id, each.name) for each in SOURCE.targets(connection)] == [
        (ids["acme"], "Acme (acme)"),
        (ids["globex"], "Globex (globex)"),
    ]
    assert SOURCE.probe(connection).version == "4.6"
    assert SOURCE.probe(netbox_at(box, tokens.READ_V1)).version == "4.6"  # pynetbox tells them apart


def test_a_misspelt_filter_counts_everything_and_is_never_believed(netbox, monkeypatch):
    """The trap itself, and that a filter which NetBox ignores is noticed."""
    ids, connection = netbox
    raw = pynetbox.api(connection.base_url, token=connection.secret)
    assert raw.dcim.devices.count(tenat_id=int(ids["acme"])) == 15
    count = pynetbox.core.endpoint.Endpoint.count
    monkeypatch.setattr(
        pynetbox.core.endpoint.Endpoint, "count", lambda self, tenant_id: count(self, tenat_id=tenant_id)
    )
    with pytest.raises(CountsDisagree):
        SOURCE.measure(connection, wanted(ids["acme"]))


def test_rows_of_others_are_noticed_although_their_number_fits(netbox, box, monkeypatch):
    """As many machines of another tenant as ours: the numbers agree, the rows do not say that they are ours."""
    ids, connection = netbox
    box.post("netbox/objects", virtual_machines=[{"tenant": "globex", "name": "third"}])
    whole = pynetbox.core.endpoint.Endpoint.filter
    monkeypatch.setattr(
        pynetbox.core.endpoint.Endpoint,
        "filter",
        lambda self, **given: whole(self, **{**given, "tenant_id": int(ids["globex"])}),
    )
    with pytest.raises(CountsDisagree):
        SOURCE.measure(connection, wanted(ids["acme"]))


@pytest.mark.parametrize("target", ["999999", "0"])
def test_an_unknown_tenant_is_no_zero(netbox, target):
    with pytest.raises(UnknownTenant):
        SOURCE.measure(netbox[1], wanted(target))


def test_an_unknown_tenant_is_a_400_when_asked_for_by_filter(netbox):
    with pytest.raises(UnknownTenant), adapter._spoken(netbox[1]) as raw:
        raw.dcim.devices.count(tenant_id=999999)


def test_a_tenant_that_has_nothing_is_a_zero(netbox, box):
    (empty,) = box.post("netbox/objects", tenants=[{"name": "Empty"}])["tenants"]
    assert set(SOURCE.measure(netbox[1], wanted(empty)).levels.values()) == {0}


def test_a_permission_with_conditions_hides_objects_and_is_noticed(netbox, box):
    ids, _ = netbox
    every = dict.fromkeys(("tenancy.tenant", "ipam.ipaddress", "ipam.prefix"))
    machines = {"virtualization.virtualmachine": None}
    some = box.post("netbox/tokens", permissions={**every, **machines, "dcim.device": {"name__startswith": "device-1"}})
    with pytest.raises(CountsDisagree):
        SOURCE.measure(netbox_at(box, some["token"]), wanted(ids["acme"]))
    none = box.post("netbox/tokens", permissions={**every, **machines})
    with pytest.raises(PermissionMissing):
        SOURCE.measure(netbox_at(box, none["token"]), wanted(ids["acme"]))


@pytest.mark.parametrize("change", [{"expires": "2020-01-01T00:00:00Z"}, {"enabled": False}])
def test_a_key_that_is_over(netbox, box, change):
    made = box.post("netbox/tokens", **change)
    with pytest.raises(KeyRefused):
        SOURCE.probe(netbox_at(box, made["token"]))
    with pytest.raises(KeyRefused):
        SOURCE.probe(netbox_at(box, "nbt_unknown.unknown"))


def test_pages_are_followed_to_their_end(netbox, box):
    ids, connection = netbox
    box.post("netbox/objects", virtual_machines=[{"tenant": "acme", "name": "many", "count": 1100, "memory": 1024}])
    levels = SOURCE.measure(connection, wanted(ids["acme"])).levels
    assert (levels["netbox_vms"], levels["netbox_memory_gb"]) == (1102, 1108)


@pytest.mark.parametrize(
    ("mode", "failure"), [("500", Unreadable), ("503", Unreachable), ("429", Unreachable), ("drop", Unreachable)]
)
def test_a_netbox_that_is_unwell(netbox, box, mode, failure):
    box.post("netbox/mood", mode=mode)
    with pytest.raises(failure):
        SOURCE.measure(netbox[1], wanted(netbox[0]["acme"]))


def test_what_is_no_netbox(netbox, box):
    with pytest.raises((Unreadable, TooOld, KeyRefused)):
        SOURCE.probe(Connection(f"{box.url}/elsewhere", tokens.READ))
    with pytest.raises(Unreachable):
        SOURCE.probe(Connection("http://127.0.0.1:1", tokens.READ))
    with pytest.raises((AddressRefused, Unreachable)):
        SOURCE.probe(Connection("https://127.0.0.1:1", tokens.READ))
