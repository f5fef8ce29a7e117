"""Who may call NetBox: v1 and v2 tokens with an end, allowed addresses, permissions, and no right to write by default.

Two v2 tokens and a v1 token are there from the start. Messages as NetBox 4.6.8 says them.
"""

import ipaddress
import secrets
import string
from collections.abc import Mapping
from typing import Any

from ..tables import Row
from .database import Database, timestamp
from .errors import Refused, denied
from .models import MODELS

TABLE = "token"
READ = "nbt_sandboxread0.readonlyreadonlyreadonlyreadonlyreadonly"
WRITE = "nbt_sandboxwrite.readwritereadwritereadwritereadwrite0000"
READ_V1 = "0123456789abcdef0123456789abcdef01234567"
_PREFIX = "nbt_"
_LETTERS = string.ascii_letters + string.digits


def ensure(database: Database) -> None:
    """Makes the three tokens when there is none."""
    if database.rows(TABLE):
        return
    for token, writes in ((READ, False), (WRITE, True), (READ_V1, False)):
        add(database, {"token": token, "write_enabled": writes})


def add(database: Database, given: Mapping[str, Any]) -> Row:
    """A token: `token` (made when not given), `user`, `write_enabled`, `enabled`, `expires` (text or null),
    `allowed_ips`, `permissions`: null for everything, else content type -> constraints ({} for all objects).

    ValueError for an unknown key or content type.
    """
    known = {
        "token": "",
        "user": "billing",
        "write_enabled": False,
        "enabled": True,
        "expires": None,
        "allowed_ips": [],
        "permissions": None,
    }
    if unknown := set(given) - set(known):
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known are: {', '.join(known)}")
    row = {**known, **given}
    if row["permissions"] is not None and (strangers := set(row["permissions"]) - set(MODELS)):
        raise ValueError(f"no content type {sorted(strangers)[0]!r}; there are: {', '.join(MODELS)}")
    row["allowed_ips"] = [str(ipaddress.ip_network(each, strict=False)) for each in row["allowed_ips"]]
    row["token"] = row["token"] or f"{_PREFIX}{_random(12)}.{_random(40)}"
    return database.insert(TABLE, row)


def authenticated(database: Database, header: str | None, address: str | None) -> Row:
    """The token of a request; Refused 403 when there is none that counts."""
    scheme, *rest = (header or "").split() or [""]
    if scheme.lower() not in ("token", "bearer"):
        raise denied("Authentication credentials were not provided.")
    if len(rest) != 1:
        raise denied('Invalid authorization header: Must be in the form "Bearer <key>.<token>" or "Token <token>"')
    given = rest[0]
    # Not by the scheme: NetBox takes the prefix as the sign of a v2 token.
    version = 2 if given.startswith(_PREFIX) else 1
    if version == 2 and "." not in given:
        raise denied(
            "Invalid authorization header: Could not parse key from v2 token. "
            "Did you mean to use 'Token' instead of 'Bearer'?"
        )
    token = next(
        (row for row in database.rows(TABLE) if secrets.compare_digest(row["token"].encode(), given.encode())), None
    )
    if token is None:
        raise denied(f"Invalid v{version} token")
    _check(database, token, address)
    return token


def _check(database: Database, token: Row, address: str | None) -> None:
    if token["allowed_ips"]:
        source = ipaddress.ip_address(address or "0.0.0.0")  # noqa: S104 - an unknown sender, nothing is bound
        if not any(source in ipaddress.ip_network(each) for each in token["allowed_ips"]):
            raise denied(f"Source IP {source} is not permitted to authenticate using this token.")
    if not token["enabled"]:
        raise denied("Token disabled")
    if token["expires"] is not None and str(token["expires"]) <= timestamp(database.work.now):
        raise denied("Token expired")


def constraints(token: Row, label: str, *, writes: bool) -> list[Mapping[str, Any]]:
    """What the token's objects of a model must fulfil, any of these; empty for all objects.

    Refused 403 without the model permission, or for a write with a token that only reads.
    """
    if writes and not token["write_enabled"]:
        raise _forbidden()
    if token["permissions"] is None:
        return []
    if label not in token["permissions"]:
        raise _forbidden()
    given = token["permissions"][label] or []
    return [given] if isinstance(given, Mapping) else list(given)


def _forbidden() -> Refused:
    return denied("You do not have permission to perform this action.")


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
