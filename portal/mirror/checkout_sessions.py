"""Stripe's Checkout session: how our checkout ended, or what was saved where nothing was bought."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import clock, steps
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.gateway.inbox import want
from portal.mirror import method_setups, redemptions
from portal.mirror.customers import locked
from portal.mirror.errors import NotYet, Unmirrorable
from portal.models import Checkout
from portal.security import audit


def fetch(object_id: str) -> dict[str, Any]:
    """The session, with its setup intent in place of the id: only that names the method that was saved."""
    return as_dict(gateway().read(lambda s: s.v1.checkout.sessions.retrieve(object_id, {"expand": ["setup_intent"]})))


def customer(resource: dict[str, Any]) -> str | None:
    found: str | None = resource.get("customer")
    return found


def apply(resource: dict[str, Any]) -> None:
    """Move the checkout to where its session is. Stripe's "complete" is the last word, whatever we thought."""
    locked()
    if resource["mode"] == "setup":
        method_setups.apply(resource)
        return
    checkout = _checkout_of(resource)
    status = resource["status"]
    if status in ("complete", "expired") and checkout.state not in ("complete", status):
        steps.move(checkout, status)
        checkout.stripe_subscription_id = resource["subscription"]
        checkout.closed_at = clock.now()
        checkout.url = None  # it leads nowhere any more
        audit.record(f"checkout.{status}", "checkout", str(checkout.id), after={"plan_id": checkout.plan_id})
    redemptions.follow_session(checkout, resource)
    if status == "complete":
        _follow(resource)


def _follow(resource: dict[str, Any]) -> None:
    """What the session made is wanted too, so that a lost event of theirs does not matter."""
    if resource.get("subscription"):
        want(resource["subscription"], "subscription")
    if resource.get("invoice"):
        want(resource["invoice"], "invoice")


def _checkout_of(resource: dict[str, Any]) -> Checkout:
    reference = resource.get("client_reference_id")
    try:
        checkout_id = UUID(reference)
    except (TypeError, ValueError) as error:
        raise Unmirrorable("the session was not started by this portal") from error
    checkout = db.session.scalars(select(Checkout).where(Checkout.id == checkout_id).with_for_update()).first()
    if checkout is None:
        raise Unmirrorable("the session names a checkout that this tenant does not have")
    if checkout.stripe_session_id is None:
        raise NotYet("the checkout has not stored its session yet")
    if checkout.stripe_session_id != resource["id"]:
        raise Unmirrorable("the checkout has another session")
    return checkout
