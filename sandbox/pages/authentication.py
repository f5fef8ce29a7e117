"""Where the payer is sent to approve a payment or a method: the bank's 3-D Secure page, or PayPal's."""

from urllib.parse import urlencode, urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..deliveries import races
from ..engine import (
    checkout_payment,
    checkout_sessions,
    invoice_payments,
    payment_intents,
    payment_methods,
    payment_outcomes,
    setup_intents,
)
from ..engine.account import NAME
from ..engine.work import Obj, Work
from ..errors import CardRefused, ResourceMissing
from ..world import World
from . import checkout, payer_form
from .rendering import page
from .texts import Words, words_for


def ask(world: World, request: Request, session_id: str) -> Response:
    """GET /c/pay/{session}/authenticate: the page of a Checkout session that waits for the payer."""
    session, intent, method = world.store.run(_waiting, session_id)
    if method is None:
        return redirect(f"/c/pay/{session_id}", 303)
    words = words_for(session["locale"], request.accept_languages)
    return _page(words, intent, method, checkout.targets(session))


def answered(world: World, request: Request, session_id: str) -> Response:
    """POST /c/pay/{session}/authenticate with `result`: complete or fail."""
    session, _, method = world.store.run(_waiting, session_id)
    if method is None:
        return redirect(f"/c/pay/{session_id}", 303)
    words = words_for(session["locale"], request.accept_languages)
    passed = request.form.get("result") == "complete"
    try:
        session = world.store.run(races.announced_late, checkout_payment.authenticate, session_id, passed=passed)
    except CardRefused as error:
        code = error.extra.get("decline_code") or error.code
        if not passed:
            return redirect(f"/c/pay/{session_id}?{urlencode({'problem': code})}", 303)
        session = world.store.run(checkout_sessions.retrieve, {}, session_id)
        return checkout.form(world, session, words, {}, payer_form.problem(words, error), status=402)
    races.wait_before_redirect(world.store, world.dispatcher, session_id)
    return checkout.landed(session)


def ask_for_intent(world: World, request: Request, intent_id: str) -> Response:
    """GET /authenticate/{intent}: the same for an intent outside of Checkout."""
    session_id = world.store.run(payment_outcomes.session_of, intent_id)
    if session_id is not None:
        return redirect(f"/c/pay/{session_id}/authenticate", 303)
    intent, method, _ = world.store.run(_intent, intent_id)
    words = words_for(None, request.accept_languages)
    if intent["status"] != "requires_action" or method is None:
        return page("missing.html", words, status=404)
    return_url = payment_outcomes.leads_back(intent)
    return _page(words, intent, method, (return_url,) if return_url else ())


def intent_answered(world: World, request: Request, intent_id: str) -> Response:
    """POST /authenticate/{intent} with `result`: complete or fail; leads to the invoice, or to the `return_url`."""
    intent, _, invoice_id = world.store.run(_intent, intent_id)
    if intent["status"] == "requires_action":
        passed = request.form.get("result") == "complete"
        intent = world.store.run(payment_outcomes.answer, intent_id, passed=passed)
    if invoice_id is not None:
        return redirect(f"/invoice/{invoice_id}", 303)
    return_url = payment_outcomes.leads_back(intent)
    if return_url is None:
        return page("done.html", words_for(None, request.accept_languages), intent=intent)
    return redirect(_returned(return_url, intent), 303)


def _page(words: Words, intent: Obj, method: Obj, goes_to: tuple[str, ...]) -> Response:
    paypal = method["type"] == "paypal"
    amount = words.money(intent["amount"], intent["currency"]) if "amount" in intent else None
    return page(
        "paypal.html" if paypal else "three_d_secure.html",
        words,
        goes_to=goes_to,
        merchant=NAME,
        amount=amount,
        email=method["billing_details"]["email"],
        last4=None if paypal else method["card"]["last4"],
    )


def _returned(url: str, intent: Obj) -> str:
    """The `return_url` with what Stripe adds to it."""
    name = intent["object"]
    status = "succeeded" if intent["status"] in ("succeeded", "processing", "requires_capture") else "failed"
    added = urlencode({name: intent["id"], f"{name}_client_secret": intent["client_secret"], "redirect_status": status})
    parts = urlsplit(url)
    return parts._replace(query=f"{parts.query}&{added}" if parts.query else added).geturl()


def _waiting(work: Work, session_id: str) -> tuple[Obj, Obj, Obj | None]:
    session = checkout_sessions.retrieve(work, {}, session_id)
    if session["status"] != "open" or not checkout_payment.is_waiting(work, session_id):
        return session, {}, None
    intent, method, _ = _intent(work, session["_"]["intent"])
    return session, intent, method


def _intent(work: Work, intent_id: str) -> tuple[Obj, Obj | None, str | None]:
    """The intent, the method that it tries, the invoice that it pays."""
    kind = setup_intents.KIND if intent_id.startswith("seti_") else payment_intents.KIND
    if not intent_id.startswith(("pi_", "seti_")):
        raise ResourceMissing(kind, intent_id)
    intent = work.read(kind, intent_id)
    method = work.find(payment_methods.KIND, intent["payment_method"] or "")
    return intent, method, invoice_payments.invoice_of(work, intent_id)
