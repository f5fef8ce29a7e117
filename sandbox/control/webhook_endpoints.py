"""Webhook endpoints with what the API never shows: their secrets; and a new secret beside the old one."""

from typing import Any

from ..engine import signing_secrets
from ..engine.work import Obj, Work
from ..world import World
from .calls import Body, Route, known


def listing(world: World, _body: Body) -> Any:
    """All endpoints, newest first, each with the secrets that sign for it now."""
    return {"data": world.store.run(_shown)}


def roll(world: World, body: Body, endpoint_id: str) -> Any:
    """A new `secret`, given or made; the old one goes on signing for `expire_in_seconds` (0 to 86400)."""
    known(body, "secret", "expire_in_seconds")
    given = body.get("secret")
    expires_in = int(body.get("expire_in_seconds", signing_secrets.LONGEST))
    return world.store.run(signing_secrets.roll, endpoint_id, expires_in, None if given is None else str(given))


def _shown(work: Work) -> list[Obj]:
    return [
        {**endpoint, "secrets": signing_secrets.live(work.find(signing_secrets.KIND, endpoint["id"]), work.now)}
        for endpoint in work.all("webhook_endpoint")
    ]


ROUTES: list[Route] = [
    ("GET", "/_sandbox/webhook_endpoints", listing),
    ("POST", "/_sandbox/webhook_endpoints/<endpoint_id>/roll", roll),
]
