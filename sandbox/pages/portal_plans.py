"""Subscriptions in the billing portal: cancelling, keeping, changing the plan."""

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from ..engine import portal_pages
from ..world import World
from . import portal, portal_view


def cancel(world: World, request: Request, session_id: str, subscription_id: str) -> Response:
    """GET and POST /p/session/{id}/subscriptions/{subscription}/cancel."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    found, words = opened
    feature = found.features["subscription_cancel"]
    if not feature["enabled"]:
        raise NotFound
    if request.method == "POST":
        reason = request.form.get("reason", "")
        reasons = feature["cancellation_reason"]["options"] if feature["cancellation_reason"]["enabled"] else []
        chosen = reason if reason in reasons else None
        refused = portal.attempt(world, found, words, portal_pages.cancel, subscription_id, chosen)
        return refused or portal.done(world, found, words, "plan_canceled")
    context = world.store.run(portal_view.cancellation, session_id, subscription_id, words)
    return portal.portal_page("portal_cancel.html", found, words, **context)


def keep(world: World, request: Request, session_id: str, subscription_id: str) -> Response:
    """POST /p/session/{id}/subscriptions/{subscription}/keep."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    refused = portal.attempt(world, *opened, portal_pages.keep, subscription_id)
    return refused or portal.done(world, *opened, "plan_kept")


def choose(world: World, request: Request, session_id: str, subscription_id: str) -> Response:
    """GET /p/session/{id}/subscriptions/{subscription}/plans: the plans to change to."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    found, words = opened
    context = world.store.run(portal_view.choice, session_id, subscription_id, words)
    return portal.portal_page("portal_plans.html", found, words, **context)


def confirm(world: World, request: Request, session_id: str, subscription_id: str, price_id: str) -> Response:
    """GET and POST /p/session/{id}/subscriptions/{subscription}/plans/{price}: what the change costs; the change."""
    opened = portal.opened(world, request, session_id)
    if isinstance(opened, Response):
        return opened
    found, words = opened
    if request.method == "POST":
        refused = portal.attempt(world, found, words, portal_pages.change_plan, subscription_id, price_id)
        return refused or portal.done(world, found, words, "plan_changed")
    context = world.store.run(portal_view.confirmation, session_id, subscription_id, price_id, words)
    return portal.portal_page("portal_confirm.html", found, words, **context)
