"""The control API under /_sandbox/: JSON switches for tests and for the index page.

Changes want `Content-Type: application/json`, which a foreign web page cannot send without being
asked first, so no page a developer visits can reset the sandbox.
"""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from .deliveries import plan
from .engine import checkout_payment, checkout_sessions
from .engine.checkout_payment import CardEntry, Payer
from .errors import Refusal
from .mail import KIND as MAIL
from .pages.letters import summary
from .wire.errors import status_of
from .world import World

_Body: TypeAlias = dict[str, Any]
_Action: TypeAlias = Callable[..., Any]


def answer(world: World, request: Request) -> Response:
    """The answer of a control call: 400 with `error` for a wrong request, 402/400 for a refused payment."""
    try:
        name, arguments = _ROUTES.bind_to_environ(request.environ).match()
        body = _body(request)
        result = _ACTIONS[name](world, body, **arguments)
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


def _health(world: World, _body: _Body) -> Any:
    return {
        "status": "ok",
        "url": world.store.public_url,
        "smtp_port": world.mailbox.port,
        "now": world.clock.now(),
    }


def _reset(world: World, _body: _Body) -> Any:
    world.reset()
    return {"status": "ok"}


def _requests(world: World, _body: _Body) -> Any:
    return {"data": world.api.requests.entries()}


def _events(world: World, _body: _Body) -> Any:
    with world.store.transaction() as work:
        return {"data": list(work.all("event"))}


def _events_forget(world: World, _body: _Body) -> Any:
    with world.store.transaction() as work:
        events = list(work.all("event"))
        for event in events:
            work.remove("event", event["id"])
    return {"deleted": len(events)}


def _mail(world: World, _body: _Body) -> Any:
    with world.store.transaction() as work:
        letters = list(work.all(MAIL))
    return {"mode": world.mailbox.mode, "data": [summary(letter) for letter in letters]}


def _mail_delete(world: World, _body: _Body) -> Any:
    with world.store.transaction() as work:
        letters = list(work.all(MAIL))
        for letter in letters:
            work.remove(MAIL, letter["id"])
    return {"deleted": len(letters)}


def _mail_mode(world: World, body: _Body) -> Any:
    if "seconds" in body:
        world.mailbox.slow_seconds = float(body["seconds"])
    world.mailbox.mode = str(body.get("mode", world.mailbox.mode))
    return {"mode": world.mailbox.mode}


def _fail(world: World, body: _Body) -> Any:
    world.api.faults.add(body)
    return {"waiting": world.api.faults.waiting()}


def _fail_clear(world: World, _body: _Body) -> Any:
    world.api.faults.clear()
    return {"waiting": []}


def _deliveries(world: World, _body: _Body) -> Any:
    with world.store.transaction() as work:
        return {"settings": plan.settings(work), "data": list(work.all(plan.KIND))}


def _deliveries_change(world: World, body: _Body) -> Any:
    return {"settings": world.store.run(plan.change, body)}


def _redeliver(world: World, body: _Body) -> Any:
    return {"deliveries": world.store.run(plan.redeliver, str(body["event"]))}


def _pay(world: World, body: _Body, session_id: str) -> Any:
    """Does what the page does: types the card, answers 3-D Secure, and returns the session."""
    entry = None
    if body.get("card"):
        entry = CardEntry(
            number=str(body["card"]),
            exp_month=int(body.get("exp_month", 12)),
            exp_year=int(body.get("exp_year", 2034)),
            cvc=str(body.get("cvc", "1234" if str(body["card"]).startswith("3") else "123")),
        )
    payer = Payer(
        email=body.get("email", "payer@example.com"),
        name=body.get("name"),
        country=body.get("country"),
        postal_code=body.get("postal_code"),
    )
    session = world.store.run(checkout_payment.submit, session_id, payer, entry)
    if session["status"] == "open" and "three_d_secure" in body:
        passed = body["three_d_secure"] == "complete"
        session = world.store.run(checkout_payment.authenticate, session_id, passed=passed)
    return session


def _expire(world: World, _body: _Body, session_id: str) -> Any:
    return world.store.run(checkout_sessions.expire, {}, session_id)


def _clock(world: World, body: _Body) -> Any:
    return {"now": world.advance(int(body["advance_seconds"]))}


# (method, path) -> action; the index page lists them.
CONTROLS: list[tuple[str, str, _Action]] = [
    ("GET", "/_sandbox/health", _health),
    ("POST", "/_sandbox/reset", _reset),
    ("GET", "/_sandbox/requests", _requests),
    ("GET", "/_sandbox/events", _events),
    ("DELETE", "/_sandbox/events", _events_forget),
    ("GET", "/_sandbox/mail", _mail),
    ("DELETE", "/_sandbox/mail", _mail_delete),
    ("POST", "/_sandbox/mail", _mail_mode),
    ("POST", "/_sandbox/fail", _fail),
    ("DELETE", "/_sandbox/fail", _fail_clear),
    ("GET", "/_sandbox/deliveries", _deliveries),
    ("POST", "/_sandbox/deliveries", _deliveries_change),
    ("POST", "/_sandbox/deliveries/redeliver", _redeliver),
    ("POST", "/_sandbox/checkout/<session_id>/pay", _pay),
    ("POST", "/_sandbox/checkout/<session_id>/expire", _expire),
    ("POST", "/_sandbox/clock", _clock),
]
_ACTIONS: dict[str, _Action] = {f"{method} {path}": action for method, path, action in CONTROLS}
_ROUTES = Map([Rule(path, methods=[method], endpoint=f"{method} {path}") for method, path, _ in CONTROLS])


def _body(request: Request) -> _Body:
    if request.method in ("GET", "HEAD"):
        return {}
    if request.mimetype != "application/json":
        raise ValueError("send Content-Type: application/json")
    text = request.get_data()
    body = json.loads(text) if text else {}
    if not isinstance(body, dict):
        raise TypeError("send a JSON object")
    return body


def _json(body: Any, status: int) -> Response:
    return Response(json.dumps(body, indent=2, ensure_ascii=False), status=status, content_type="application/json")
