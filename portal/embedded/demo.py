"""Showing the addresses and the demo logins at the end of a start."""

import json
from pathlib import Path

from portal.embedded.console import Console


def show(console: Console, file: Path, url: str, sandbox_url: str | None) -> None:
    """Shows where the portal is and who may sign in. Demo data that is not there is left out."""
    console.line()
    console.line(f"  Portal     {url}")
    if sandbox_url:
        console.line(f"  Sandbox    {sandbox_url}      stands in for Stripe; test card 4242 4242 4242 4242")
        console.line(f"  Mailbox    {sandbox_url}/mailbox")
    console.line()
    logins = _logins(file)
    if logins:
        width = max(len(who) for who, _, _ in logins)
        wide = max(len(email) for _, email, _ in logins)
        for who, email, password in logins:
            console.line(f"  {who:<{width}}   {email:<{wide}}   {password}")
        console.line()


def _logins(file: Path) -> list[tuple[str, str, str]]:
    if not file.exists():
        return []
    data = json.loads(file.read_text())
    logins = [(tenant["name"], tenant["email"], tenant["password"]) for tenant in data.get("tenants", [])]
    staff = [(who, data[key]) for key, who in (("staff", "Staff"), ("second_staff", "Finance")) if key in data]
    return [*logins, *((who, each["email"], each["password"]) for who, each in staff)]
