"""From a request under /_sandbox/ to the action that answers it."""

import json
from functools import cache
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from ..errors import Refusal
from ..wire.errors import status_of
from ..world import World
from . import (
    checkout,
    clock,
    customers,
    deliveries,
    events,
    faults,
    hooks,
    intents,
    keys,
    mail,
    netbox,
    odoo,
    process,
    requests,
    settings,
    slack,
    snapshots,
    webhook_endpoints,
    wire,
)
from .calls import Action, Body, Route

# The index page lists them in this order.
CONTROLS: list[Route] = [
    route
    for resource in (
        process, snapshots, clock, settings, customers, requests, wire, events, keys, deliveries, webhook_endpoints,
        faults, checkout, intents, mail, slack, netbox, odoo, hooks,
    )
    for route in resource.ROUTES
]  # fmt: skip
_ACTIONS: dict[str, Action] = {f"{method} {path}": action for method, path, action in CONTROLS}


@cache
def _routes() -> Map:
    """Made by the first call: the rules cost more than all else that the process does before it is ready."""
    return Map([Rule(path, methods=[method], endpoint=f"{method} {path}") for method, path, _ in CONTROLS])


def answer(world: World, request: Request) -> Response:
    """The answer of a control call: 400 with `error` for a wrong request, 402/400 for a refused payment."""
    try:
        name, arguments = _routes().bind_to_environ(request.environ).match()
        result = _ACTIONS[name](world, _body(request), **arguments)
    except HTTPException as error:
        return _json({"error": error.description}, error.code or 500)
    except KeyError as error:
        return _json({"error": f"give {error}"}, 400)
    except (ValueError, TypeError) as error:
        return _json({"error": str(error)}, 400)
    except Refusal as error:
        fields = {"type": error.type, "code": error.code, "message": error.message, **error.extra}
        return _json({"error": fields}, status_of(error))
    return _json(result, 200)


def _body(request: Request) -> Body:
    if request.method in ("GET", "HEAD"):
        return dict(request.args.items())
    if request.mimetype != "application/json":
        raise ValueError("send Content-Type: application/json")
    text = request.get_data()
    body = json.loads(text) if text else {}
    if not isinstance(body, dict):
        raise TypeError("send a JSON object")
    return {**request.args.to_dict(), **body} if request.method == "DELETE" else body


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body, indent=2, ensure_ascii=False), status=status, content_type="application/json")
