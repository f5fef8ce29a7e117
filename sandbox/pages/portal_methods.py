"""Payment methods in the billing portal: added, removed, made the default."""

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine import portal_pages
from ..engine.checkout_methods import SavedEntry
from ..errors import InvalidRequest, Refusal
from ..world import World
from . import payer_form, portal

_TYPES = ["card", "us_bank_account", "sepa_debit", "paypal"]


def add(world: World, request: Request, session_id: str) -> Response:
    """GET and POST /p/session/{id}/payment-methods/new."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    found, words = opened
    values = payer_form.typed(request) if request.method == "POST" else {}
    problem, status = None, 200
    filled = payer_form.filled(request.form.get("fill", ""))
    if request.method == "POST" and not filled:
        try:
            entry = payer_form.entry(values)
            if entry is None or isinstance(entry, SavedEntry):
                raise InvalidRequest("Enter a card number.", param="number")
            intent = world.store.run(portal_pages.add_method, session_id, entry, values["name"] or None)
        except Refusal as error:
            problem, status = payer_form.problem(words, error), payer_form.status_of(error)
        else:
            if intent["status"] == "requires_action":
                return redirect(f"/authenticate/{intent['id']}", 303)
            return portal.done(world, found, words, "method_added")
    context = payer_form.context(words, {**values, **filled}, _TYPES, [])
    return portal.portal_page("portal_method.html", found, words, status=status, problem=problem, **context)


def added(world: World, request: Request, session_id: str) -> Response:
    """GET /p/session/{id}/payment-methods/added: the payer is back from his bank or PayPal."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    found, words = opened
    intent_id = request.args.get("setup_intent", "")
    if world.store.run(portal_pages.method_added, session_id, intent_id):
        return portal.done(world, found, words, "method_added")
    problem = ("", words.refusal("authentication_not_handled", ""))
    context = payer_form.context(words, {}, _TYPES, [])
    return portal.portal_page("portal_method.html", found, words, status=402, problem=problem, **context)


def make_default(world: World, request: Request, session_id: str, method_id: str) -> Response:
    """POST /p/session/{id}/payment-methods/{method}/default."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    refused = portal.attempt(world, *opened, portal_pages.make_default, method_id)
    return refused or portal.done(world, *opened, "method_defaulted")


def remove(world: World, request: Request, session_id: str, method_id: str) -> Response:
    """POST /p/session/{id}/payment-methods/{method}/remove."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    refused = portal.attempt(world, *opened, portal_pages.remove_method, method_id)
    return refused or portal.done(world, *opened, "method_removed")
