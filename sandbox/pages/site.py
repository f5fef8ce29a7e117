"""Routes of the pages, their security headers, and the static stylesheet."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from ..errors import ResourceMissing
from ..world import World
from . import (
    authentication,
    checkout,
    control,
    documents,
    hooks,
    invoice,
    mailbox,
    netbox,
    odoo,
    papers,
    portal,
    portal_methods,
    portal_plans,
    slack,
    wire,
)
from .rendering import page, secured
from .texts import words_for

log = logging.getLogger(__name__)
_STATIC = Path(__file__).parent.parent / "static"
_STYLESHEETS = ("control.css", "payer.css", "sandbox.css")

_View: TypeAlias = Callable[..., Response]

_VIEWS: list[tuple[str, tuple[str, ...], _View]] = [
    ("/", ("GET",), control.show),
    ("/control/clock", ("POST",), control.advance_global),
    ("/control/customers/<customer_id>/advance", ("POST",), control.advance),
    ("/control/customers/<customer_id>/clock", ("POST",), control.give_clock),
    ("/control/customers/<customer_id>/fail", ("POST",), control.fail_next),
    ("/control/customers/<customer_id>/portal", ("POST",), control.open_portal),
    ("/control/deliveries", ("POST",), control.deliveries),
    ("/wire", ("GET",), wire.listing),
    ("/wire/clear", ("POST",), wire.clear),
    ("/wire/<int:number>", ("GET",), wire.whole),
    ("/events", ("GET",), wire.events),
    ("/events/<event_id>/redeliver", ("POST",), wire.redeliver),
    ("/c/pay/<session_id>", ("GET",), checkout.show),
    ("/c/pay/<session_id>", ("POST",), checkout.pay),
    ("/c/pay/<session_id>/authenticate", ("GET",), authentication.ask),
    ("/c/pay/<session_id>/authenticate", ("POST",), authentication.answered),
    ("/c/pay/<session_id>/code", ("POST",), checkout.code),
    ("/c/pay/<session_id>/methods/<method_id>/remove", ("POST",), checkout.remove_method),
    ("/c/pay/<session_id>/quantities", ("POST",), checkout.quantities),
    ("/c/recover/<session_id>", ("GET",), checkout.recover),
    ("/authenticate/<intent_id>", ("GET",), authentication.ask_for_intent),
    ("/authenticate/<intent_id>", ("POST",), authentication.intent_answered),
    ("/invoice/<invoice_id>", ("GET",), invoice.show),
    ("/invoice/<invoice_id>", ("POST",), invoice.pay),
    ("/invoice/<invoice_id>/pdf", ("GET",), documents.invoice),
    ("/credit_note/<note_id>", ("GET",), papers.credit_note),
    ("/credit_note/<note_id>/pdf", ("GET",), documents.credit_note),
    ("/mandate/<mandate_id>", ("GET",), papers.mandate),
    ("/p/session/<session_id>", ("GET",), portal.show),
    ("/p/session/<session_id>/details", ("GET", "POST"), portal.details),
    ("/p/session/<session_id>/payment-methods/new", ("GET", "POST"), portal_methods.add),
    ("/p/session/<session_id>/payment-methods/added", ("GET",), portal_methods.added),
    ("/p/session/<session_id>/payment-methods/<method_id>/default", ("POST",), portal_methods.make_default),
    ("/p/session/<session_id>/payment-methods/<method_id>/remove", ("POST",), portal_methods.remove),
    ("/p/session/<session_id>/subscriptions/<subscription_id>/cancel", ("GET", "POST"), portal_plans.cancel),
    ("/p/session/<session_id>/subscriptions/<subscription_id>/keep", ("POST",), portal_plans.keep),
    ("/p/session/<session_id>/subscriptions/<subscription_id>/plans", ("GET",), portal_plans.choose),
    ("/p/session/<session_id>/subscriptions/<subscription_id>/plans/<price_id>", ("GET", "POST"), portal_plans.confirm),
    ("/mailbox", ("GET",), mailbox.listing),
    ("/mailbox/clear", ("POST",), mailbox.clear),
    ("/mailbox/<letter_id>", ("GET",), mailbox.show),
    ("/mailbox/<letter_id>/html", ("GET",), mailbox.html),
    ("/mailbox/<letter_id>/raw", ("GET",), mailbox.raw),
    ("/mailbox/<letter_id>/attachments/<int:number>", ("GET",), mailbox.attachment),
    ("/slack", ("GET",), slack.show),
    ("/slack/mood", ("POST",), slack.set_mood),
    ("/slack/clear", ("POST",), slack.clear),
    ("/netbox", ("GET",), netbox.show),
    ("/netbox/mood", ("POST",), netbox.set_mood),
    ("/netbox/clear", ("POST",), netbox.clear),
    ("/odoo", ("GET",), odoo.show),
    ("/odoo/mood", ("POST",), odoo.set_mood),
    ("/odoo/clear", ("POST",), odoo.clear),
    ("/hooks", ("GET",), hooks.listing),
    ("/hooks/<name>", ("GET",), hooks.show),
    ("/hooks/<name>/mood", ("POST",), hooks.set_mood),
    ("/hooks/<name>/clear", ("POST",), hooks.clear),
]


class Site:
    """Answers every path that is not the API's or the control API's."""

    def __init__(self, world: World) -> None:
        self._world = world
        rules = [Rule(path, methods=list(methods), endpoint=view) for path, methods, view in _VIEWS]
        rules.append(Rule("/static/<name>", methods=["GET"], endpoint=_stylesheet))
        self._routes = Map(rules)

    def answer(self, request: Request) -> Response:
        """The page, or an error page."""
        try:
            view, arguments = self._routes.bind_to_environ(request.environ).match()
            _check_origin(request)
            response: Response = view(self._world, request, **arguments)
        except (ResourceMissing, NotFound):
            response = page("missing.html", words_for(None, request.accept_languages), status=404)
        except HTTPException as error:
            response = Response(error.description, status=error.code, content_type="text/plain")
        except Exception:
            log.exception("the page %s failed", request.path)
            response = Response("The sandbox failed; its log says why.", status=500, content_type="text/plain")
        return secured(response)


def _stylesheet(_world: World, _request: Request, name: str) -> Response:
    if name not in _STYLESHEETS:
        raise NotFound
    text = (_STATIC / name).read_bytes()
    return Response(text, content_type="text/css; charset=utf-8", headers={"Cache-Control": "no-cache"})


def _check_origin(request: Request) -> None:
    """Refuses forms that another site sends: the browser says where they come from."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden("This form came from another site.")
