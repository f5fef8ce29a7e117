"""NetBox: its tokens, pages and filters, its traps, and what it writes into its change log."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.outside.netbox import tokens

from .conftest import Sandbox

TENANT = "5f0c9c5e-0000-4000-8000-000000000007"


def call(sandbox: Sandbox, path: str, method: str = "GET", token: str = tokens.READ, **more: Any) -> requests.Response:
    scheme = "Bearer" if token.startswith("nbt_") else "Token"
    headers = {"Authorization": f"{scheme} {token}"} if token else {}
    url = path if path.startswith("http") else f"{sandbox.url}/netbox/api/{path}"
    return requests.request(method, url, headers=headers, allow_redirects=False, timeout=30, **more)


def counted(sandbox: Sandbox, path: str, token: str = tokens.READ) -> int:
    answer = call(sandbox, path, token=token)
    assert answer.status_code == 200, answer.text
    count: int = answer.json()["count"]
    return count


@pytest.fixture(scope="module")
def fleet(spare: Sandbox) -> Sandbox:
    """63 devices, 42 of them Acme's and 40 of these active; 30 VMs; addresses; nothing here is written to."""
    spare.control("reset")
    spare.control(
        "netbox/objects",
        {
            "custom_fields": [{"name": "billing_tenant_id", "unique": True, "filter_logic": "exact"}],
            "tenant_groups": [{"name": "Customers"}],
            "tenants": [
                {"name": "Acme", "group": "customers", "custom_fields": {"billing_tenant_id": TENANT}},
                {"name": "Globex"},
            ],
            "devices": [
                {"tenant": "acme", "name": "web", "count": 40, "tags": ["billed"]},
                {"tenant": "acme", "name": "old", "count": 2, "status": "offline"},
                {"tenant": "globex", "count": 21},
            ],
            "virtual_machines": [
                {"tenant": "acme", "name": "vm", "count": 30, "vcpus": 2.5, "memory": 4096, "disk": 50000}
            ],
            "ip_addresses": [{"tenant": "acme", "count": 5}, {"count": 3}],
            "prefixes": [{"tenant": "acme", "count": 2, "status": "container"}],
            "vrfs": [{"tenant": "acme"}],
        },
    )
    spare.control("snapshots", {"name": "fleet"})
    return spare


@pytest.fixture
def writable(fleet: Sandbox) -> Iterator[Sandbox]:
    yield fleet
    fleet.control("snapshots/fleet/restore")


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("dcim/devices/?tenant_id=1&status=active&limit=1&brief=1", 40),
        ("dcim/devices/?tenant=acme", 42),
        ("dcim/devices/?tenant=acme&tenant=globex", 63),
        ("dcim/devices/?tenant__n=acme", 21),
        ("dcim/devices/?tenant_group=customers", 42),
        ("dcim/devices/?status=active&status=offline", 63),
        ("dcim/devices/?status__n=active", 2),
        ("dcim/devices/?tag=billed", 40),
        ("dcim/devices/?tag__n=billed", 23),
        ("dcim/devices/?name__isw=web-1&name__niew=9", 10),
        ("dcim/devices/?name=WEB-7", 1),
        ("dcim/devices/?id__lte=5", 5),
        ("dcim/devices/?q=old", 2),
        ("virtualization/virtual-machines/?tenant_id=1&vcpus__gte=2.5&memory__lt=5000", 30),
        ("ipam/ip-addresses/?tenant_id=1", 5),
        ("ipam/ip-addresses/?tenant_id=null", 3),
        ("ipam/ip-addresses/?address=10.0.0.2", 1),
        ("ipam/prefixes/?tenant_id=1&status=container&family=4", 2),
        (f"tenancy/tenants/?cf_billing_tenant_id={TENANT}", 1),
        (f"tenancy/tenants/?cf_billing_tenant_id={TENANT[:8]}", 0),
        ("core/object-changes/?changed_object_type=dcim.device&action=create", 63),
        ("core/object-changes/?time_after=2200-01-01T00:00:00Z", 0),
    ],
)
def test_counts(fleet: Sandbox, path: str, count: int) -> None:
    assert counted(fleet, path) == count


def test_the_traps_of_filters(fleet: Sandbox) -> None:
    assert counted(fleet, "dcim/devices/?tenat_id=1") == 63  # misspelt: ignored
    assert counted(fleet, "dcim/devices/?tenant_id__foo=1") == 63
    assert counted(fleet, "dcim/devices/?tenant_id=") == 63
    for query, field in (("tenant_id=99", "tenant_id"), ("tenant=nobody", "tenant"), ("status=on", "status")):
        refused = call(fleet, f"dcim/devices/?{query}")
        assert refused.status_code == 400
        assert refused.json()[field][0].startswith("Select a valid choice.")
    twice = call(fleet, "dcim/devices/?tenant_id=x&status=on&tag=none").json()
    assert sorted(twice) == ["status", "tag", "tenant_id"]
    assert "is not a valid value" in twice["tenant_id"][0]
    assert call(fleet, "dcim/devices/?created__gte=soon").json() == {"created__gte": ["Enter a valid date/time."]}
    unknown = call(fleet, "dcim/devices/?rack_id=1")
    assert (unknown.status_code, unknown.json()["code"]) == (501, "sandbox_not_modelled")


def test_a_list_is_walked_by_next(fleet: Sandbox) -> None:
    seen: list[int] = []
    path = "dcim/devices/?tenant_id=1&fields=id&limit=20"
    pages = 0
    while path:
        page = call(fleet, path).json()
        assert page["count"] == 42
        seen += [row["id"] for row in page["results"]]
        path, pages = page["next"], pages + 1
        assert all(set(row) == {"id"} for row in page["results"])
    assert (pages, len(seen), len(set(seen))) == (3, 42, 42)
    last = call(fleet, "dcim/devices/?tenant_id=1&limit=20&offset=40").json()
    assert last["next"] is None
    assert "offset=20" in last["previous"]
    assert "offset" not in call(fleet, "dcim/devices/?limit=20&offset=20").json()["previous"]
    assert call(fleet, "dcim/devices/?limit=20&offset=500").json()["results"] == []


def test_a_page_never_has_more_than_a_thousand(writable: Sandbox) -> None:
    writable.control("netbox/objects", {"devices": [{"tenant": "globex", "name": "many", "count": 1100}]})
    for limit in ("0", "5000"):
        page = call(writable, f"dcim/devices/?limit={limit}&fields=id").json()
        assert (page["count"], len(page["results"])) == (1163, 1000)
        assert page["next"].endswith("limit=1000&offset=1000")
    assert len(call(writable, "dcim/devices/?limit=-1").json()["results"]) == 50


def test_a_cursor_counts_nothing(fleet: Sandbox) -> None:
    page = call(fleet, "dcim/devices/?start=0&limit=40").json()
    assert (page["count"], page["previous"], len(page["results"])) == (None, None, 40)
    rest = call(fleet, page["next"]).json()
    assert (rest["next"], len(rest["results"])) == (None, 23)
    assert call(fleet, "dcim/devices/?start=1&offset=2").status_code == 400
    assert call(fleet, "dcim/devices/?start=-1").json() == [
        "Invalid 'start' parameter: must be a non-negative integer."
    ]


def test_tenants_with_their_counters(fleet: Sandbox) -> None:
    fields = "id,slug,custom_fields,device_count,virtualmachine_count,ipaddress_count,prefix_count,vrf_count"
    rows = call(fleet, f"tenancy/tenants/?fields={fields}&limit=1000").json()["results"]
    assert rows[0] == {
        "id": 1,
        "slug": "acme",
        "custom_fields": {"billing_tenant_id": TENANT},
        "device_count": 42,
        "ipaddress_count": 5,
        "prefix_count": 2,
        "virtualmachine_count": 30,
        "vrf_count": 1,
    }
    assert rows[1]["custom_fields"] == {"billing_tenant_id": None}


def test_objects_look_like_netboxs(fleet: Sandbox) -> None:
    device = call(fleet, "dcim/devices/?tenant=acme&status=active&limit=1").json()["results"][0]
    assert device["url"] == f"{fleet.url}/netbox/api/dcim/devices/{device['id']}/"
    assert device["status"] == {"value": "active", "label": "Active"}
    assert device["tenant"]["slug"] == "acme"
    assert "device_count" not in device["tenant"]
    assert device["device_type"]["manufacturer"]["slug"] == "sandbox"
    assert device["tags"][0]["slug"] == "billed"
    assert device["rack"] is None
    brief = call(fleet, f"dcim/devices/{device['id']}/?brief=1").json()
    assert sorted(brief) == ["description", "display", "id", "name", "url"]
    machine = call(fleet, "virtualization/virtual-machines/?limit=1&fields=id,vcpus,memory,disk").json()["results"][0]
    assert (machine["vcpus"], machine["memory"], machine["disk"]) == (2.5, 4096, 50000)
    names = [row["name"] for row in call(fleet, "dcim/devices/?name__isw=web&fields=name").json()["results"]]
    assert names[1:3] == ["web-2", "web-3"]
    assert call(fleet, "ipam/ip-addresses/1/").json()["family"] == {"value": 4, "label": "IPv4"}


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("Basic abc", "Authentication credentials were not provided."),
        ("Bearer nbt_wrong.wrong", "Invalid v2 token"),
        ("Token 0000", "Invalid v1 token"),
        ("Bearer nbt_nodot", "Invalid authorization header: Could not parse key from v2 token."),
        ("Token a b", "Invalid authorization header: Must be"),
    ],
)
def test_a_bad_token_is_403(fleet: Sandbox, header: str | None, detail: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = requests.get(f"{fleet.url}/netbox/api/dcim/devices/", headers=headers, timeout=10)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith(detail)


def test_tokens_of_both_kinds_and_their_limits(writable: Sandbox) -> None:
    assert counted(writable, "dcim/devices/", tokens.READ_V1) == 63
    few = writable.control(
        "netbox/tokens", {"permissions": {"dcim.device": {"status": "active", "tenant__slug": "acme"}}}
    )
    assert counted(writable, "dcim/devices/", few["token"]) == 40  # smaller, and nothing says so
    assert call(writable, "dcim/devices/41/", token=few["token"]).status_code == 404
    denied = call(writable, "ipam/prefixes/", token=few["token"])
    assert (denied.status_code, denied.json()["detail"]) == (
        403,
        "You do not have permission to perform this action.",
    )
    tenants = writable.control("netbox/tokens", {"permissions": {"tenancy.tenant": {}}})["token"]
    assert call(writable, "tenancy/tenants/1/", token=tenants).json()["device_count"] == 42
    for given, detail in (
        ({"enabled": False}, "Token disabled"),
        ({"expires": "2020-01-01T00:00:00Z"}, "Token expired"),
        ({"allowed_ips": ["10.9.0.0/16"]}, "Source IP 127.0.0.1 is not permitted"),
    ):
        token = writable.control("netbox/tokens", given)["token"]
        assert call(writable, "status/", token=token).json()["detail"].startswith(detail)
    assert counted(
        writable, "dcim/devices/", writable.control("netbox/tokens", {"allowed_ips": ["127.0.0.0/8"]})["token"]
    )
    for wrong in ({"rights": 1}, {"permissions": {"dcim.rack": {}}}, {"allowed_ips": ["x"]}):
        writable.control("netbox/tokens", wrong, status=400)


def test_status_and_odd_paths(fleet: Sandbox) -> None:
    status = call(fleet, "status/")
    assert (status.json()["netbox-version"], status.headers["API-Version"]) == ("4.6.8", "4.6")
    bare = call(fleet, "dcim/devices?limit=1")
    assert (bare.status_code, bare.headers["Location"]) == (301, "/netbox/api/dcim/devices/?limit=1")
    gone = call(fleet, "dcim/devices/99999/")
    assert (gone.status_code, gone.json()) == (404, {"detail": "No Device matches the given query."})
    assert call(fleet, "dcim/racks/").json()["code"] == "sandbox_not_modelled"
    login = requests.post(f"{fleet.url}/netbox/graphql/", json={}, allow_redirects=False, timeout=10)
    assert (login.status_code, "/login/" in login.headers["Location"]) == (302, True)
    answer = call(fleet, f"{fleet.url}/netbox/graphql/", "POST", json={"query": "{device_list{id}}"})
    assert (answer.status_code, answer.json()["data"], len(answer.json()["errors"])) == (200, None, 1)


def test_a_deletion_leaves_whose_it_was(writable: Sandbox) -> None:
    assert call(writable, "dcim/devices/1/", "DELETE").status_code == 403
    assert call(writable, "dcim/devices/1/", "DELETE", tokens.WRITE).status_code == 204
    changes = call(writable, "core/object-changes/?changed_object_type=dcim.device&action=delete").json()
    assert (changes["count"], changes["results"][0]["prechange_data"]["tenant"]) == (1, 1)
    assert changes["results"][0]["action"] == {"value": "delete", "label": "Deleted"}
    assert counted(writable, "dcim/devices/?tenant_id=1") == 41
    busy = call(writable, "tenancy/tenants/1/", "DELETE", tokens.WRITE)
    assert busy.status_code == 409
    assert busy.json()["detail"].startswith("Unable to delete object. 79 dependent objects were found: ")
    assert call(writable, "core/object-changes/1/", "DELETE", tokens.WRITE).status_code == 405


def test_writing_by_the_api(writable: Sandbox) -> None:
    made = call(writable, "tenancy/tenants/", "POST", tokens.WRITE, json={"name": "New", "slug": "new"})
    assert (made.status_code, made.json()["slug"]) == (201, "new")
    place = f"tenancy/tenants/{made.json()['id']}/"
    changed = call(writable, place, "PATCH", tokens.WRITE, json={"custom_fields": {"billing_tenant_id": "x"}})
    assert changed.json()["custom_fields"] == {"billing_tenant_id": "x"}
    for body, field in (
        ({"name": "Other"}, "slug"),
        ({"name": "New", "slug": "other"}, "name"),
        ({"name": "A", "slug": "a", "group": 99}, "group"),
        ({"name": "A", "slug": "a", "custom_fields": {"none": 1}}, "custom_fields"),
        ({"name": "A", "slug": "a", "custom_fields": {"billing_tenant_id": TENANT}}, "__all__"),
    ):
        refused = call(writable, "tenancy/tenants/", "POST", tokens.WRITE, json=body)
        assert (refused.status_code, list(refused.json())) == (400, [field])
    both = [{"address": "10.1.0.1/24", "tenant": {"slug": "new"}}, {"address": "not one"}]
    assert call(writable, "ipam/ip-addresses/", "POST", tokens.WRITE, json=both).status_code == 400
    assert counted(writable, "ipam/ip-addresses/?tenant=new") == 0  # the whole list or nothing
    assert call(writable, "dcim/devices/1/", "PATCH", tokens.WRITE, json={"status": "on"}).json() == {
        "status": ["on is not a valid choice."]
    }
    assert call(writable, "dcim/devices/", "DELETE", tokens.WRITE, json=[]).status_code == 501
    assert "JSON parse error" in call(writable, "dcim/sites/", "POST", tokens.WRITE, data="{").json()["detail"]


def test_moods_pages_and_emptying(writable: Sandbox) -> None:
    writable.control("netbox/mood", {"answers": ["500", "502"]})
    broken, gateway = call(writable, "status/"), call(writable, "status/")
    assert broken.json()["netbox_version"] == "4.6.8"
    assert (gateway.status_code, gateway.headers["Content-Type"]) == (502, "text/html")
    writable.control("fail", {"match": "GET /netbox/api/dcim/*", "mode": "connection_reset"})
    with pytest.raises(requests.ConnectionError):
        call(writable, "dcim/devices/")
    shown = requests.get(f"{writable.url}/netbox", timeout=10).text
    assert f"billing_tenant_id={TENANT}" in shown
    assert "/netbox/api/status/" in shown
    assert tokens.READ in shown
    requests.post(f"{writable.url}/netbox/clear", timeout=10)
    summary = writable.look("netbox")
    assert (summary["objects"]["tenants"], summary["objects"]["sites"], len(summary["tokens"])) == (0, 1, 3)
    assert counted(writable, "tenancy/tenants/") == 0
    for wrong in ({"racks": []}, {"devices": [{"tenant": "nobody"}]}, {"devices": [{"count": -1}]}):
        writable.control("netbox/objects", wrong, status=400)
