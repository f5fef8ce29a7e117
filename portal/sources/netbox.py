"""NetBox: what a NetBox tenant has, through pynetbox. Quirks: docs/adr/0023.

NetBox ignores a filter that it does not know and counts every tenant's objects. So filters are written here and come
from nobody, and each count has to equal another one that NetBox makes without filters: the counter at the tenant
itself, which also sees what a permission with conditions hides from the filtered one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pynetbox
import requests
from pynetbox import RequestError
from pynetbox.core.query import ContentError

from portal.sources.base import MOST_TARGETS, Connection, Measured, Probe, Setting, Source, Target, Wanted
from portal.sources.errors import (
    CountsDisagree,
    KeyRefused,
    PermissionMissing,
    TooMuch,
    TooOld,
    UnknownTenant,
    Unreadable,
)
from portal.sources.http import SourceSession

_PAGE = 1000  # NetBox's own most
_MOST_ROWS = 50_000
_OLDEST = (4, 1)  # disks are counted in MB since
_MB_OF_MEMORY, _MB_OF_DISK = 1024, 1000  # as NetBox itself shows them
_FINE = Decimal("0.001")
# Resource, endpoint, and the tenant's counter of the same.
_COUNTS = (
    ("netbox_devices", "dcim.devices", "device_count"),
    ("netbox_ips", "ipam.ip_addresses", "ipaddress_count"),
    ("netbox_prefixes", "ipam.prefixes", "prefix_count"),
)


class NetBox:
    """A NetBox from 4.1 on; the key is a token that only reads."""

    kind = "netbox"
    label = "NetBox"
    settings: Sequence[Setting] = ()
    resources: Sequence[str] = (
        "netbox_devices", "netbox_vms", "netbox_ips", "netbox_prefixes", "netbox_vcpus", "netbox_memory_gb",
        "netbox_disk_gb",
    )  # fmt: skip

    def check(self, connection: Connection) -> None:
        """Address and token are all there is."""

    def probe(self, connection: Connection) -> Probe:
        with _spoken(connection) as netbox:
            version = str(netbox.version)
            _check_version(version)
            netbox.tenancy.tenants.count()  # its first page answers without a token, too
            return Probe(version)

    def targets(self, connection: Connection) -> Sequence[Target]:
        with _spoken(connection) as netbox:
            found = netbox.tenancy.tenants.filter(fields="id,name,slug", limit=_PAGE)
            return [Target(str(each.id), f"{each.name} ({each.slug})") for each in _rows(found, MOST_TARGETS)]

    def measure(self, connection: Connection, wanted: Wanted) -> Measured:
        with _spoken(connection) as netbox:
            try:
                return Measured(_levels(netbox, int(wanted.target_id)))
            except CountsDisagree:  # something may have come or gone in between
                return Measured(_levels(netbox, int(wanted.target_id)))


def _levels(netbox: Any, tenant_id: int) -> dict[str, Decimal]:
    # pynetbox reads a key of 0 as "any one".
    tenant = netbox.tenancy.tenants.get(tenant_id) if tenant_id > 0 else None
    if tenant is None:
        _check_version(str(netbox.version))  # an address without a NetBox has no tenants either
        raise UnknownTenant
    if tenant.id != tenant_id:
        raise CountsDisagree
    found = {}
    for resource, endpoint, counter in _COUNTS:
        app, _, name = endpoint.partition(".")
        counted = getattr(getattr(netbox, app), name).count(tenant_id=tenant_id)
        found[resource] = _agreed(counted, getattr(tenant, counter, None))
    return found | _machines(netbox, tenant)


def _machines(netbox: Any, tenant: Any) -> dict[str, Decimal]:
    """Virtual machines and their sums; every row has to say itself whose it is."""
    asked = netbox.virtualization.virtual_machines
    rows = list(_rows(asked.filter(tenant_id=tenant.id, fields="id,tenant,vcpus,memory,disk", limit=_PAGE), _MOST_ROWS))
    own = {row["id"] for row in map(dict, rows) if (row["tenant"] or {}).get("id") == tenant.id}
    if len(own) != len(rows):
        raise CountsDisagree
    number = _agreed(len(rows), getattr(tenant, "virtualmachine_count", None))
    vcpus, memory, disk = (
        sum((Decimal(str(getattr(row, name) or 0)) for row in rows), Decimal(0)) for name in ("vcpus", "memory", "disk")
    )
    return {
        "netbox_vms": number,
        "netbox_vcpus": vcpus.quantize(_FINE),
        "netbox_memory_gb": (memory / _MB_OF_MEMORY).quantize(_FINE),
        "netbox_disk_gb": (disk / _MB_OF_DISK).quantize(_FINE),
    }


def _agreed(counted: int, counter: Any) -> Decimal:
    """A count that the tenant's own counter confirms."""
    if not isinstance(counter, int) or counted != counter:
        raise CountsDisagree
    return Decimal(counted)


def _rows(found: Any, most: int) -> Iterator[Any]:
    for number, row in enumerate(found):
        if number >= most:
            raise TooMuch
        yield row


def _check_version(version: str) -> None:
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        raise Unreadable
    if (int(parts[0]), int(parts[1])) < _OLDEST:
        raise TooOld


@contextmanager
def _spoken(connection: Connection) -> Iterator[Any]:
    """pynetbox over our session; what it raises, in our words."""
    session = SourceSession(connection.base_url)
    netbox = pynetbox.api(connection.base_url, token=connection.secret)
    netbox.http_session = session
    try:
        yield netbox
    except RequestError as error:
        raise _failure(error.req) from error
    except (ContentError, requests.JSONDecodeError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise Unreadable from error
    finally:
        session.close()


def _failure(answer: requests.Response) -> Exception:
    """A bad token is a 403 at NetBox, not a 401, and an unknown tenant a 400."""
    text = answer.text
    if answer.status_code in (401, 403):
        lacks_permission = "do not have permission" in text
        return PermissionMissing() if lacks_permission else KeyRefused()
    if answer.status_code == 400 and "tenant_id" in text:
        return UnknownTenant()
    return Unreadable()


SOURCE: Source = NetBox()
