"""Users and their API keys: who is calling, and making and revoking keys by API.

Keys of ordinary users live for 90 days at most, those of administrators for ever if wanted. A key ends by the sandbox's
clock. Source: res.users.apikeys of Odoo 19 and the external API documentation.
"""

import secrets
from datetime import UTC, datetime, timedelta

from ...engine.work import Work
from ..tables import Row
from .env import Env, table
from .errors import access_denied, http_error, user_error, validation_error

USERS, KEYS = "res.users", "res.users.apikeys"
_DAYS = 90.0
_MOST_KEYS = 10


def of_bearer(work: Work, header: str | None) -> Row:
    """The user of `Authorization: bearer <key>`; 401 without one that counts."""
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        problem = "User not authenticated, use an API Key with a Bearer Authorization header."
        raise http_error(401, "Unauthorized", problem)
    user = of_key(work, key.strip())
    if user is None:
        raise http_error(401, "Unauthorized", "Invalid apikey")
    return user


def of_key(work: Work, key: str) -> Row | None:
    """The active user of a key that has not ended."""
    for row in table(work, KEYS).rows():
        if secrets.compare_digest(str(row["key"]).encode(), key.encode()) and not _is_over(work, row):
            user = table(work, USERS).find(row["user_id"])
            return user if user is not None and user.get("active", True) else None
    return None


def of_login(work: Work, login: str, password: str) -> Row | None:
    """The user of a login with a key (or the password that was seeded) in the password's place."""
    for user in table(work, USERS).rows():
        if user["login"] == login and user.get("active", True):
            owner = of_key(work, password)
            is_owner = owner is not None and owner["id"] == user["id"]
            return user if is_owner or (user.get("password") and user["password"] == password) else None
    return None


def generate(env: Env, ids: list[int], key: str, scope: str | None, name: str, expiration_date: str | None) -> str:
    """A new key for the caller, who shows a present one; AccessDenied 403 and ValidationError 422 as Odoo has them."""
    del ids
    owner = of_key(env.work, str(key))
    if owner is None or owner["id"] != env.user["id"]:
        raise access_denied("The provided API key is invalid or does not belong to the current user.")
    mine = [row for row in table(env.work, KEYS).rows() if row["user_id"] == env.user["id"]]
    if len(mine) >= _MOST_KEYS:
        raise user_error(f"Limit of {_MOST_KEYS} API keys is reached for programmatic creation")
    end = _end_of(env, expiration_date)
    fresh = secrets.token_hex(20)
    add(env.work, env.user["id"], fresh, name=name, scope=scope, expires=end)
    return fresh


def revoke(env: Env, ids: list[int], key: str) -> None:
    """Ends a key at once, whoever's it is that shows it."""
    del ids
    for row in table(env.work, KEYS).rows():
        if row["key"] == key:
            table(env.work, KEYS).remove(row["id"])
            return
    raise access_denied("The provided API key is invalid.")


def add(
    work: Work, user_id: int, key: str, *, name: str = "portal", scope: str | None = "rpc", expires: str | None = None
) -> Row:
    """Keeps a key, in clear: nothing here is secret."""
    return table(work, KEYS).insert(
        {
            "name": name,
            "user_id": user_id,
            "scope": scope or False,
            "expiration_date": expires or False,
            "create_date": _moment(work, 0),
            "key": key,
        }
    )


def _end_of(env: Env, text: str | None) -> str | None:
    if text is None:
        if not env.is_admin:
            raise validation_error("The API key must have an expiration date")
        return None
    try:
        end = datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    except ValueError as error:
        raise user_error(f"invalid expiration date {text!r}") from error
    shown = end.strftime("%Y-%m-%d %H:%M:%S")
    if shown < env.now():
        raise validation_error("You cannot set an expiration date in the past.")
    if not env.is_admin and shown > _moment(env.work, _DAYS):
        raise validation_error(f"You cannot exceed {_DAYS} days.")
    return shown


def _is_over(work: Work, row: Row) -> bool:
    return bool(row.get("expiration_date") and row["expiration_date"] <= _moment(work, 0))


def _moment(work: Work, days: float) -> str:
    return (datetime.fromtimestamp(work.now, UTC) + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")
