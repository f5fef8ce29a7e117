"""The hosted invoice page, and 3-D Secure for the payment of an invoice outside of Checkout."""

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine import checkout_payment, collection, invoice_payments, invoices, payment_intents
from ..engine.account import NAME
from ..engine.work import Obj, Work
from ..world import World
from .rendering import page
from .texts import words_for


def show(world: World, request: Request, invoice_id: str) -> Response:
    """GET /invoice/{id}: amount, lines, status."""
    invoice, locale = world.store.run(_invoice, invoice_id)
    words = words_for(locale, request.accept_languages)
    return page("invoice.html", words, invoice=invoice, merchant=NAME)


def ask(world: World, request: Request, intent_id: str) -> Response:
    """GET /authenticate/{intent}: the bank's page of a payment that waits for it."""
    session_id, intent, method, _ = world.store.run(_intent, intent_id)
    if session_id is not None:
        return redirect(f"/c/pay/{session_id}/authenticate", 303)
    words = words_for(None, request.accept_languages)
    if intent["status"] != "requires_action":
        return page("missing.html", words, status=404)
    return page(
        "three_d_secure.html",
        words,
        merchant=NAME,
        amount=words.money(intent["amount"], intent["currency"]),
        last4=method["card"]["last4"],
    )


def authenticated(world: World, request: Request, intent_id: str) -> Response:
    """POST /authenticate/{intent} with `result`: complete or fail; leads to the invoice."""
    _, intent, _, invoice_id = world.store.run(_intent, intent_id)
    if intent["status"] == "requires_action":
        passed = request.form.get("result") == "complete"
        world.store.run(collection.authenticate, intent_id, passed=passed)
    return redirect(f"/invoice/{invoice_id}", 303)


def _invoice(work: Work, invoice_id: str) -> tuple[Obj, str | None]:
    invoice = work.read(invoices.KIND, invoice_id)
    customer = work.read("customer", invoice["customer"])
    locales = customer.get("preferred_locales") or [None]
    return invoice, locales[0]


def _intent(work: Work, intent_id: str) -> tuple[str | None, Obj, Obj, str | None]:
    session_id = checkout_payment.session_of_intent(work, intent_id)
    if session_id is not None:
        return session_id, {}, {}, None
    intent = work.read(payment_intents.KIND, intent_id)
    method = work.find("payment_method", intent["payment_method"] or "") or {}
    invoice_id = next(
        found["invoice"]
        for found in work.all(invoice_payments.KIND)
        if found["payment"].get("payment_intent") == intent_id
    )
    return None, intent, method, invoice_id
