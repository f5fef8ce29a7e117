"""The sandbox's NetBox and Odoo as sources of usage: addresses, keys, and what the demo's tenants have there."""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

_SECONDS = 10.0
# A proxy that the shell names knows nothing of our loopback addresses.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# docs/sandbox.md names both; nothing there is secret.
_TOKEN = "nbt_sandboxread0.readonlyreadonlyreadonlyreadonlyreadonly"  # noqa: S105
_KEY = "0d00ad41" * 5
_NETBOX = {
    "tenants": [{"name": "Acme Corp"}, {"name": "Globex SA"}],
    "devices": [{"tenant": "acme-corp", "count": 14}, {"tenant": "globex-sa", "count": 3}],
    "virtual_machines": [
        {"tenant": "acme-corp", "name": "acme", "count": 9, "vcpus": 4, "memory": 8192, "disk": 80000},
        {"tenant": "globex-sa", "name": "globex", "count": 2, "vcpus": 2, "memory": 4096, "disk": 40000},
    ],
    "ip_addresses": [{"tenant": "acme-corp", "count": 31}, {"tenant": "globex-sa", "count": 6}],
    "prefixes": [{"tenant": "acme-corp", "count": 2}],
}
_ODOO = {
    "companies": [{"name": "Acme Corp"}],
    "users": [{"name": f"Acme {number}", "login": f"acme-{number}", "company_ids": [2]} for number in range(1, 7)],
    "res.partner": [{"name": "A customer"}],
    "ir.attachment": [
        {"name": "scans", "file_size": 12_400_000_000, "res_model": "res.partner", "res_id": 1, "company_id": 2}
    ],
}


def settings(sandbox_url: str) -> Mapping[str, str]:
    """What names them to the portal."""
    return {
        "NETBOX_API_URL": f"{sandbox_url}/netbox",
        "NETBOX_API_TOKEN": _TOKEN,
        "ODOO_API_URL": f"{sandbox_url}/odoo",
        "ODOO_API_KEY": _KEY,
    }


def furnish(sandbox_url: str) -> None:
    """Put the demo's tenants there, once in the life of a sandbox. Raises OSError when it does not answer."""
    if not _asked(sandbox_url, "netbox")["objects"]["tenants"]:
        _asked(sandbox_url, "netbox/objects", _NETBOX)
    if _asked(sandbox_url, "odoo")["records"]["res.company"] < 2:
        _asked(sandbox_url, "odoo/records", _ODOO)


def _asked(sandbox_url: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310  (loopback, our own sandbox)
        f"{sandbox_url}/_sandbox/{path}", data=data, headers={"Content-Type": "application/json"}
    )
    with _DIRECT.open(request, timeout=_SECONDS) as answer:
        return json.load(answer)
