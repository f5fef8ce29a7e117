"""The index: what is here, how to use it, and what went over the wire last."""

from datetime import UTC, datetime
from itertools import islice

from werkzeug.wrappers import Request, Response

from ..contract import API_VERSION
from ..control import CONTROLS
from ..deliveries import plan, tricks
from ..mail import KIND as MAIL
from ..wire.operations import VERBS
from ..world import World
from .rendering import ENGLISH, page

_SHOWN = 25


def show(world: World, _request: Request) -> Response:
    """GET /."""
    with world.store.transaction() as work:
        sessions = list(islice(work.all("checkout.session"), _SHOWN))
        events = list(islice(work.all("event"), _SHOWN))
        endpoints = list(work.all("webhook_endpoint"))
        waiting = sum(1 for found in work.all(plan.KIND) if found["status"] in plan.OPEN)
        letters = sum(1 for _ in work.all(MAIL))
        account = work.read("_meta", "account")["account"]
        settings = tricks.settings(work)
    return page(
        "index.html",
        ENGLISH,
        account=account,
        api_version=API_VERSION,
        url=world.store.public_url,
        smtp_port=world.mailbox.port,
        now=_time(world.clock.now()),
        offset=world.clock.offset,
        letters=letters,
        waiting=waiting,
        mode=settings["mode"],
        endpoints=endpoints,
        sessions=sessions,
        events=[{**event, "at": _time(event["created"])} for event in events],
        requests=[{**entry, "at": _time(entry["at"])} for entry in world.api.requests.entries()[:_SHOWN]],
        calls=len(VERBS),
        controls=[(method, path) for method, path, _ in CONTROLS],
    )


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
