"""What choosing and removing payment methods does at Stripe: by the request, or the worker that inherited it."""

import logging
from uuid import UUID

from sqlalchemy import select

from portal import clock, tenancy
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.gateway.client import gateway, keyed
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.mirror.customers import locked
from portal.models import Customer, PaymentMethod
from portal.notices.notify import notify
from portal.outbox import Work, finish
from portal.security import audit

log = logging.getLogger("portal.payment_methods")


def set_default(work: Work) -> None:
    """Set the default at the customer and at the live subscription, whose own default would go first.

    A wish that another one has overtaken is dropped: what was asked for last stays. What Stripe refuses ends the
    work and is raised; nothing of ours has changed then but the wish.
    """
    wanted = str(work.payload["stripe_payment_method_id"])
    customer = locked()
    customer_id, is_current = customer.stripe_customer_id, customer.requested_payment_method == wanted
    live = live_subscription()
    db.session.commit()
    if not is_current or customer_id is None:
        return
    settings = {"default_payment_method": wanted}
    try:
        gateway().write(
            lambda s: s.v1.customers.update(
                customer_id, {"invoice_settings": {"default_payment_method": wanted}}, keyed(f"{work.key}:customer")
            )
        )
    except StripeRefused as error:
        _refuse_default(work, wanted, error.code)
        raise
    if live is not None:
        _set_on_subscription(work, live.stripe_subscription_id, wanted)
    _store_default(work, wanted, settings, live.stripe_subscription_id if live else None)


def _set_on_subscription(work: Work, subscription_id: str, wanted: str) -> None:
    try:
        gateway().write(
            lambda s: s.v1.subscriptions.update(
                subscription_id, {"default_payment_method": wanted}, keyed(f"{work.key}:{subscription_id}")
            )
        )
    except StripeRefused as error:
        # It ended at Stripe meanwhile: nothing will be charged for it, and reading it again says so.
        log.warning("the subscription kept its method: %s", error.code)


def _store_default(work: Work, wanted: str, after: dict[str, str], subscription_id: str | None) -> None:
    customer = locked()
    method = _known(wanted)
    if customer.requested_payment_method == wanted:
        customer.default_payment_method = wanted
        audit.record("payment_method.default", "payment_method", str(method.id) if method else wanted, after=after)
        if method is not None:
            notify("payment_method_changed", str(method.id), step=work.key, params={"change": "default"})
    if subscription_id is not None:
        want(subscription_id, "subscription")
    want(str(customer.stripe_customer_id), "customer")
    finish(work)
    db.session.commit()


def _refuse_default(work: Work, wanted: str, error_code: str) -> None:
    customer = locked()
    if customer.requested_payment_method == wanted:
        customer.requested_payment_method = None
    audit.record("payment_method.refuse_default", "payment_method", wanted, after={"error": error_code})
    want(str(customer.stripe_customer_id), "customer")
    finish(work)
    db.session.commit()


def detach(work: Work) -> None:
    """Detach a method at Stripe; one that is gone there already is gone here too."""
    method_id = UUID(str(work.payload["method_id"]))
    method = db.session.scalars(select(PaymentMethod).where(PaymentMethod.id == method_id)).one()
    stripe_id = method.stripe_payment_method_id
    db.session.commit()
    try:
        gateway().write(lambda s: s.v1.payment_methods.detach(stripe_id, None, keyed(work.key)))
    except StripeRefused as error:
        log.info("stripe has detached it already, or never had it: %s", error.code)
    customer = locked()
    method = db.session.scalars(select(PaymentMethod).where(PaymentMethod.id == method_id)).one()
    method.detached_at = method.detached_at or clock.now()
    _forget(customer, stripe_id)
    audit.record("payment_method.remove", "payment_method", str(method.id), after={"stripe_id": stripe_id})
    notify("payment_method_changed", str(method.id), step="removed", params={"change": "removed"})
    want(stripe_id, "payment_method")
    finish(work)
    db.session.commit()


def _forget(customer: Customer, stripe_id: str) -> None:
    if customer.backup_payment_method == stripe_id:
        customer.backup_payment_method = None
    if customer.default_payment_method == stripe_id:
        customer.default_payment_method = None
    if customer.requested_payment_method == stripe_id:
        customer.requested_payment_method = None


def _known(stripe_id: str) -> PaymentMethod | None:
    tenancy.require_tenant()
    return db.session.scalars(select(PaymentMethod).where(PaymentMethod.stripe_payment_method_id == stripe_id)).first()
