"""The hosted Checkout page: plain forms, no script."""

from collections.abc import Mapping
from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..deliveries import races
from ..engine import checkout_methods, checkout_payment, checkout_sessions
from ..engine.account import NAME
from ..engine.checkout_fields import TAX_IDS
from ..engine.work import Obj, Work
from ..errors import InvalidRequest, Refusal, ResourceMissing
from ..world import World
from . import checkout_summary, payer_form
from .rendering import page
from .texts import Words, words_for


def show(world: World, request: Request, session_id: str) -> Response:
    """GET /c/pay/{session}: the form; a paid session leads on, an expired one says so."""
    session, words = _opened(world, request, session_id)
    if session["status"] != "open":
        return _ended(session, words)
    problem = None
    if (code := request.args.get("problem")) in ("authentication_not_handled", "payment_method_customer_decline"):
        problem = ("", words.refusal(str(code), ""))
    return _form(world, session, words, {}, problem)


def pay(world: World, request: Request, session_id: str) -> Response:
    """POST /c/pay/{session}: pays and leads to the success page, or shows what is wrong."""
    session, words = _opened(world, request, session_id)
    if session["status"] != "open":
        return _ended(session, words)
    values = payer_form.typed(request)
    if filled := payer_form.filled(request.form.get("fill", "")):
        return _form(world, session, words, {**values, **filled}, None)
    try:
        payer, entry = payer_form.payer(values), payer_form.entry(values)
        session = world.store.run(races.announced_late, checkout_payment.submit, session_id, payer, entry)
    except ResourceMissing:
        raise
    except Refusal as error:
        session, _ = _opened(world, request, session_id)
        if session["status"] != "open":
            return _ended(session, words)
        problem = payer_form.problem(words, error)
        return _form(world, session, words, values, problem, status=payer_form.status_of(error))
    if session["status"] == "complete":
        races.wait_before_redirect(world.store, world.dispatcher, session_id)
        return landed(session)
    if world.store.run(checkout_payment.is_waiting, session_id):
        return redirect(f"/c/pay/{session_id}/authenticate", 303)
    return _form(world, session, words, values, ("", words("total_changed")), status=422)


def code(world: World, request: Request, session_id: str) -> Response:
    """POST /c/pay/{session}/code: applies the promotion code `code`, or with `remove` takes it back."""
    session, words = _opened(world, request, session_id)
    if session["status"] != "open":
        return _ended(session, words)
    if request.form.get("remove"):
        world.store.run(checkout_sessions.remove_code, session_id)
        return redirect(f"/c/pay/{session_id}", 303)
    typed = request.form.get("code", "").strip()
    if not typed:
        return _form(world, session, words, {}, ("code", words("code_missing")), status=422)
    try:
        world.store.run(checkout_sessions.apply_code, session_id, typed)
    except InvalidRequest as error:
        known = error.code is not None and error.code.startswith("promotion_code_")
        problem = ("code", words(error.code) if known and error.code else error.message)
        return _form(world, session, words, {"code": typed}, problem, status=422)
    return redirect(f"/c/pay/{session_id}", 303)


def quantities(world: World, request: Request, session_id: str) -> Response:
    """POST /c/pay/{session}/quantities: sets the quantities of the items, by their ids."""
    session, words = _opened(world, request, session_id)
    if session["status"] != "open":
        return _ended(session, words)
    wanted = {name: int(value) for name, value in request.form.items() if name.startswith("li_") and value.isdecimal()}
    try:
        world.store.run(checkout_sessions.change_quantities, session_id, wanted)
    except InvalidRequest:
        return _form(world, session, words, {}, ("quantity", words("quantity_wrong")), status=422)
    return redirect(f"/c/pay/{session_id}", 303)


def remove_method(world: World, request: Request, session_id: str, method_id: str) -> Response:
    """POST /c/pay/{session}/methods/{method}/remove: detaches a saved method, where the session lets the payer."""
    session, words = _opened(world, request, session_id)
    if session["status"] != "open":
        return _ended(session, words)
    try:
        world.store.run(_remove_method, session_id, method_id)
    except ResourceMissing:
        pass  # Pressed twice: it is gone already.
    except InvalidRequest as error:
        return _form(world, session, words, {}, ("", error.message), status=422)
    return redirect(f"/c/pay/{session_id}", 303)


def recover(world: World, _request: Request, session_id: str) -> Response:
    """GET /c/recover/{session}: a new session like the one that expired."""
    session = world.store.run(checkout_sessions.open_again, session_id)
    return redirect(session["url"], 303)


def landed(session: Obj) -> Response:
    """On to the shop."""
    target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return redirect(target, 303)


def targets(session: Obj) -> tuple[str, ...]:
    """Where the forms of the page may end, besides the sandbox."""
    return tuple(url for url in (session["success_url"], session["cancel_url"]) if url)


def form(
    world: World,
    session: Obj,
    words: Words,
    values: Mapping[str, str],
    problem: tuple[str, str] | None,
    status: int = 200,
) -> Response:
    """The page of an open session: the order, and the form with what was typed and what is wrong about it."""
    shown, saved, needed, now = world.store.run(_shown, session["id"], words)
    return page(
        "checkout.html",
        words,
        status=status,
        goes_to=targets(session),
        merchant=NAME,
        session=session,
        order=shown,
        code=values.get("code", ""),
        known_email=(session["customer_details"] or {}).get("email"),
        problem=problem,
        needs_method=needed,
        asks=_asks(session),
        tax_ids=TAX_IDS,
        may_remove=checkout_methods.may_remove(session),
        may_save=needed and checkout_methods.may_save(session),
        button=now,
        **payer_form.context(words, values, session["payment_method_types"], saved),
    )


_form = form


def _asks(session: Obj) -> dict[str, Any]:
    """What the form asks beside the payment method: taxes need a part of the address, the shop may want all of it."""
    whole = session["billing_address_collection"] == "required"
    return {
        "address": whole or session["automatic_tax"]["enabled"],
        "whole_address": whole,
        "phone": session["phone_number_collection"]["enabled"],
        "state": session["automatic_tax"]["enabled"],
        "tax_id": session["tax_id_collection"]["enabled"],
        "terms": (session["consent_collection"] or {}).get("terms_of_service") == "required",
    }


def _opened(world: World, request: Request, session_id: str) -> tuple[Obj, Words]:
    session = world.store.run(checkout_sessions.retrieve, {}, session_id)
    return session, words_for(session["locale"], request.accept_languages)


def _ended(session: Obj, words: Words) -> Response:
    if session["status"] == "complete":
        return landed(session)
    recovery = (session["after_expiration"] or {}).get("recovery") or {}
    return page("expired.html", words, status=410, back=session["cancel_url"], recover=recovery.get("url"))


def _shown(work: Work, session_id: str, words: Words) -> tuple[dict[str, Any], list[Obj], bool, str]:
    session = work.read(checkout_sessions.KIND, session_id)
    return (
        checkout_summary.summary(work, session, words),
        list(checkout_methods.saved(work, session)),
        checkout_payment.needs_method(work, session),
        checkout_summary.button(work, session, words),
    )


def _remove_method(work: Work, session_id: str, method_id: str) -> None:
    checkout_methods.remove_saved(work, checkout_sessions.own(work, session_id), method_id)
