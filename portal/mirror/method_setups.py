"""Stripe's Checkout session in setup mode: which payment method was saved."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import clock, steps
from portal.extensions import db
from portal.gateway.inbox import want
from portal.mirror.customers import locked
from portal.mirror.errors import NotYet, Unmirrorable
from portal.models import MethodSetup, Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.notices.notify import notify
from portal.outbox import stage
from portal.security import audit


def apply(resource: dict[str, Any]) -> None:
    """Move the setup to where its session is, in either order of redirect and webhook. The customer row is locked.

    The first method that a tenant has is used from then on; a further one is only kept.
    """
    setup = _setup_of(resource)
    status = resource["status"]
    is_new = status in ("complete", "expired") and setup.state not in ("complete", status)
    if is_new:
        steps.move(setup, status)
        setup.closed_at = clock.now()
        setup.url = None  # it leads nowhere any more
        if status == "complete":
            setup.stripe_payment_method_id = resource["setup_intent"]["payment_method"]
        after = {"payment_method": setup.stripe_payment_method_id}
        audit.record(f"method_setup.{status}", "method_setup", str(setup.id), after=after)
    if status != "complete":
        return
    if is_new:
        notify("payment_method_added", str(setup.id))
        if not _has_default():
            _make_default(setup)
    want(str(setup.stripe_payment_method_id), "payment_method")
    want(str(resource["customer"]), "customer")


def _setup_of(resource: dict[str, Any]) -> MethodSetup:
    try:
        setup_id = UUID(resource.get("client_reference_id"))
    except (TypeError, ValueError) as error:
        raise Unmirrorable("the session was not started by this portal") from error
    setup = db.session.scalars(select(MethodSetup).where(MethodSetup.id == setup_id).with_for_update()).first()
    if setup is None:
        raise Unmirrorable("the session names a setup that this tenant does not have")
    if setup.stripe_session_id is None:
        raise NotYet("the setup has not stored its session yet")
    if setup.stripe_session_id != resource["id"]:
        raise Unmirrorable("the setup has another session")
    return setup


def _has_default() -> bool:
    """Whether anything would be charged now: the subscription's own method, or the customer's."""
    own = select(Subscription.default_payment_method).where(
        Subscription.superseded_reason.is_(None), Subscription.status.in_(LIVE_STATUSES)
    )
    customer = locked()
    return bool(customer.default_payment_method or customer.requested_payment_method or db.session.scalar(own))


def _make_default(setup: MethodSetup) -> None:
    customer = locked()
    customer.requested_payment_method = setup.stripe_payment_method_id
    customer.default_requested_at = clock.now()
    stage(
        "payment_method.default",
        f"payment_method.default:{setup.id}",
        tenant_id=setup.tenant_id,
        payload={"stripe_payment_method_id": setup.stripe_payment_method_id},
    )
