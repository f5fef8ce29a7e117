"""The billing portal: subscriptions, payment methods, invoices and details of one customer."""

from collections.abc import Callable
from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine import portal_pages
from ..engine.account import NAME
from ..engine.portal_pages import Visit
from ..engine.work import Obj, Work
from ..errors import InvalidRequest, Refusal, ResourceMissing
from ..world import World
from . import portal_view
from .rendering import page
from .texts import Words, words_for

_TOLD = frozenset(
    (
        "plan_canceled",
        "plan_kept",
        "plan_changed",
        "method_added",
        "method_removed",
        "method_defaulted",
        "details_saved",
    )
)
# Where a flow leads: the page of each kind, and what names its subscription.
_FLOWS = {
    "customer_update": "details",
    "payment_method_update": "payment-methods/new",
    "subscription_cancel": "subscriptions/{subscription}/cancel",
    "subscription_update": "subscriptions/{subscription}/plans",
    "subscription_update_confirm": "subscriptions/{subscription}/plans/{price}",
}


def show(world: World, request: Request, session_id: str) -> Response:
    """GET /p/session/{id}: the portal, or the page that the session's flow is about."""
    opened = _opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    found, words = opened
    if (flow := _flow_path(found)) is not None:
        return redirect(f"/p/session/{session_id}/{flow}", 303)
    told = request.args.get("told", "")
    return home(world, found, words, told=words(told) if told in _TOLD else None)


def home(world: World, found: Visit, words: Words, *, told: str | None = None, problem: str | None = None) -> Response:
    """The portal's first page, with what has just happened or what went wrong."""
    context = world.store.run(portal_view.home, found.session["id"], words)
    status = 200 if problem is None else 422
    return _page("portal.html", found, words, status=status, told=told, problem=problem, **context)


def details(world: World, request: Request, session_id: str) -> Response:
    """GET and POST /p/session/{id}/details: name, e-mail and telephone number."""
    opened = _opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    found, words = opened
    allowed = portal_pages.details_allowed(found)
    if not allowed:
        raise NotFound
    values = {name: found.customer[name] or "" for name in allowed}
    if request.method == "GET":
        return _page("portal_details.html", found, words, values=values, problem=None)
    values = {name: request.form.get(name, "").strip() for name in allowed}
    try:
        world.store.run(portal_pages.change_details, session_id, values)
    except InvalidRequest as error:
        problem = (error.param or "", words.refusal(error.param or "", error.message))
        return _page("portal_details.html", found, words, status=422, values=values, problem=problem)
    return done(world, found, words, "details_saved")


def done(world: World, found: Visit, words: Words, told: str) -> Response:
    """A change is made: on to where the flow leads after it, or back to the portal's first page."""
    session_id, flow = found.session["id"], found.flow
    if flow is None:
        return redirect(f"/p/session/{session_id}?told={told}", 303)
    world.store.run(portal_pages.finish_flow, session_id)
    after = flow["after_completion"]
    if after["type"] == "redirect":
        return redirect(after["redirect"]["return_url"], 303)
    if after["type"] == "hosted_confirmation":
        message = after["hosted_confirmation"]["custom_message"]
        return _page("portal_done.html", found, words, told=words(told), message=message)
    return redirect(f"/p/session/{session_id}?told={told}", 303)


def opened(world: World, request: Request, session_id: str) -> tuple[Visit, Words] | Response:
    """The session and the words of its language; the page that says that it has expired."""
    try:
        found: Visit = world.store.run(portal_pages.visit, session_id)
    except InvalidRequest as error:
        if error.code != "portal_session_expired":
            raise
        session = world.store.run(_session, session_id)
        words = words_for(session["locale"], request.accept_languages)
        return page("portal_expired.html", words, status=410, back=session["return_url"])
    return found, words_for(found.session["locale"], request.accept_languages)


def portal_page(template: str, found: Visit, words: Words, *, status: int = 200, **values: Any) -> Response:
    """A page of the portal, with the way back to the shop."""
    flow = found.flow
    targets = [found.session["return_url"]]
    if flow is not None and flow["after_completion"]["type"] == "redirect":
        targets.append(flow["after_completion"]["redirect"]["return_url"])
    return page(
        template,
        words,
        status=status,
        goes_to=tuple(url for url in targets if url),
        merchant=NAME,
        session=found.session,
        base=f"/p/session/{found.session['id']}",
        in_flow=flow is not None,
        **values,
    )


def attempt(world: World, found: Visit, words: Words, verb: Callable[..., Any], *arguments: Any) -> Response | None:
    """Does something for the customer; the first page with the reason when it is refused."""
    try:
        world.store.run(verb, found.session["id"], *arguments)
    except ResourceMissing:
        raise
    except Refusal as error:
        code = str(error.extra.get("decline_code") or error.code or "")
        return home(world, found, words, problem=words.refusal(code, error.message))
    return None


_opened, _page = opened, portal_page


def _session(work: Work, session_id: str) -> Obj:
    return work.read(portal_pages.KIND, session_id)


def _flow_path(found: Visit) -> str | None:
    flow = found.flow
    if flow is None or flow["type"] not in _FLOWS:
        return None
    about = flow.get(flow["type"]) or {}
    items = about.get("items") or [{}]
    return _FLOWS[flow["type"]].format(subscription=about.get("subscription"), price=items[0].get("price"))
