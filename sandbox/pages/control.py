"""The control room: who lives here and by which time, what is next, and what webhooks may do."""

import time
from itertools import islice
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..contract import API_VERSION
from ..control import CONTROLS
from ..deliveries import plan, tricks
from ..engine import planned_failures, portal_sessions, test_clock_changes, test_clocks
from ..engine.work import Obj, Work
from ..errors import InvalidRequest
from ..mail import KIND as MAIL
from ..wire.operations import VERBS
from ..world import World
from . import agenda_words, control_customers, wire
from .rendering import ENGLISH, moment, page

_LONGEST_WAIT = 20.0
_SESSIONS = 8
_EXCHANGES = 12


def show(world: World, request: Request) -> Response:
    """GET /."""
    return _room(world, request.args.get("q", "").strip())


def advance(world: World, request: Request, customer_id: str) -> Response:
    """POST /control/customers/{id}/advance with `to`, a step that the customer's card offers."""
    wanted = request.form.get("to", "")
    with world.store.transaction() as work:
        customer = work.edit("customer", customer_id)
        waiting = agenda_words.of_customers(work).get(customer_id, [])
        steps = {step["name"]: step["at"] for step in control_customers.steps(work, customer, waiting)}
    target = steps.get(wanted)
    if target is None:
        raise BadRequest("There is nothing to go to.")
    try:
        _move(world, customer["test_clock"], target)
    except InvalidRequest as error:
        return _room(world, "", (customer_id, error.message), status=422)
    return redirect(f"/#{customer_id}", 303)


def advance_global(world: World, request: Request) -> Response:
    """POST /control/clock with `seconds`: moves the global clock."""
    seconds = request.form.get("seconds", "")
    if not seconds.isdecimal():
        raise BadRequest("seconds is a number.")
    world.advance(int(seconds))
    return redirect("/", 303)


def give_clock(world: World, _request: Request, customer_id: str) -> Response:
    """POST /control/customers/{id}/clock: from now on the customer has a test clock of its own."""
    try:
        world.store.run(_new_clock, customer_id)
    except InvalidRequest as error:
        return _room(world, "", (customer_id, error.message), status=422)
    return redirect(f"/#{customer_id}", 303)


def fail_next(world: World, request: Request, customer_id: str) -> Response:
    """POST /control/customers/{id}/fail with `times`: 1 makes the next payment fail, 0 takes that back."""
    times = 1 if request.form.get("times") == "1" else 0
    world.store.run(planned_failures.plan, customer_id, times)
    return redirect(f"/#{customer_id}", 303)


def open_portal(world: World, _request: Request, customer_id: str) -> Response:
    """POST /control/customers/{id}/portal: makes a session of the billing portal and goes there."""
    params = {"customer": customer_id, "return_url": f"{world.store.public_url}/#{customer_id}"}
    return redirect(world.store.run(_portal_session, customer_id, params)["url"], 303)


def deliveries(world: World, request: Request) -> Response:
    """POST /control/deliveries: sets the tricks of the form, or with `release` lets go what is held."""
    order = request.form.get("release")
    if order is not None:
        given: dict[str, Any] = {"mode": "release", "order": order}
    elif request.form.get("normal"):
        given = {"mode": "normal"}
    else:
        given = {
            "mode": request.form.get("mode", "normal"),
            "duplicate": _number(request, "duplicate"),
            "delay": _number(request, "delay"),
            "shuffle": _number(request, "shuffle"),
            "split": "split" in request.form,
        }
    try:
        world.store.run(plan.change, given)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return redirect("/#webhooks", 303)


def _room(world: World, wanted: str, told: tuple[str, str] | None = None, *, status: int = 200) -> Response:
    with world.store.transaction() as work:
        customers, more = control_customers.found(work, wanted)
        shown = {
            "account": work.read("_meta", "account")["account"],
            "customers": customers,
            "more": more,
            "known": next(work.all("customer"), None) is not None,
            "sessions": [_session(session) for session in islice(work.all("checkout.session"), _SESSIONS)],
            "endpoints": list(work.all("webhook_endpoint")),
            "tricks": tricks.settings(work),
            "held": sum(1 for found in work.all(plan.KIND) if found["status"] == "held"),
            "waiting": sum(1 for found in work.all(plan.KIND) if found["status"] == "pending"),
            "letters": sum(1 for _ in work.all(MAIL)),
        }
    return page(
        "control.html",
        ENGLISH,
        status=status,
        wanted=wanted,
        told=told,
        api_version=API_VERSION,
        url=world.store.public_url,
        smtp_port=world.mailbox.port,
        now=moment(world.clock.now()),
        offset=control_customers.ahead(world.clock.offset) if world.clock.offset else "",
        exchanges=wire.newest(world, _EXCHANGES),
        calls=len(VERBS),
        controls=[(method, path) for method, path, _ in CONTROLS],
        **shown,
    )


def _move(world: World, clock_id: str | None, target: int) -> None:
    """Brings a clock, or the global one, to that time, and waits until everything due has been done."""
    if clock_id is None:
        world.advance(max(target - world.clock.now(), 0))
        return
    world.store.run(test_clock_changes.advance, {"frozen_time": target}, clock_id)
    deadline = time.monotonic() + _LONGEST_WAIT
    while world.store.run(test_clocks.retrieve, {}, clock_id)["status"] == "advancing":
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def _new_clock(work: Work, customer_id: str) -> Obj:
    name = work.edit("customer", customer_id)["email"] or customer_id
    return test_clock_changes.create(work, {"frozen_time": work.now, "customer": customer_id, "name": name})


def _portal_session(work: Work, _customer_id: str, params: Obj) -> Obj:
    return portal_sessions.create(work, params)


def _session(session: Obj) -> dict[str, Any]:
    amount = session["amount_total"]
    return {
        "id": session["id"],
        "url": session["url"] and f"/c/pay/{session['id']}",
        "mode": session["mode"],
        "status": session["status"],
        "look": {"complete": "paid", "open": "open"}.get(session["status"], "void"),
        "amount": "" if amount is None else ENGLISH.money(amount, session["currency"]),
        "who": (session["customer_details"] or {}).get("email") or "",
    }


def _number(request: Request, name: str) -> int:
    text = request.form.get(name, "")
    if not text.isdecimal():
        raise BadRequest(f"{name} is a whole number.")
    return int(text)
