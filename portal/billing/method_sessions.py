"""What adding a payment method does at Stripe: a Checkout session in setup mode, opened and ended.

Done by the request that started it, or by the worker that inherited it.
"""

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import current_app

from portal import clock, lookups, steps
from portal.billing import customers
from portal.billing.checkout_sessions import LOCALES, GivenUp
from portal.extensions import db
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeMisconfigured, StripeRefused
from portal.gateway.inbox import want
from portal.models import MethodSetup
from portal.outbox import Retry, Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params.checkout import SessionCreateParams

log = logging.getLogger("portal.method_setup")


def open_session(work: Work) -> None:
    """Open the setup's session at Stripe and store its address, or end the setup as failed.

    Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` when the effect is unknown: the outbox row
    stays and is done again with the same key. Other failures end the setup and are raised too.
    """
    setup = _locked_setup(work)
    # One that was left meanwhile is still opened: only then its session has a name and can be expired.
    if setup.stripe_session_id or setup.state == "failed":
        finish(work)
        db.session.commit()
        return
    db.session.commit()
    try:
        opened = _opened(setup)
    except (StripeRefused, StripeMisconfigured, GivenUp) as error:
        _fail(work, error.code)
        raise
    _store(work, opened)


def expire_session(work: Work) -> None:
    """End the session of a setup that was left; one that was completed first is read again instead."""
    setup = _locked_setup(work)
    session_id, is_failed, created_at = setup.stripe_session_id, setup.state == "failed", setup.created_at
    db.session.commit()
    if session_id is None:
        if not is_failed and not key_is_forgotten(created_at):
            raise Retry(2, "the session is still being opened")
        return
    try:
        gateway().write(
            lambda s: s.v1.checkout.sessions.expire(session_id, None, keyed(f"method_setup.expire:{setup.id}"))
        )
    except StripeRefused:
        log.info("the session has ended already; reading it says how")
    want(session_id, "checkout_session")
    finish(work)
    db.session.commit()


def _locked_setup(work: Work) -> MethodSetup:
    return lookups.for_update(MethodSetup, UUID(str(work.payload["setup_id"])))


def _opened(setup: MethodSetup) -> dict[str, Any]:
    if key_is_forgotten(setup.created_at):
        raise GivenUp  # the key is forgotten at Stripe, and the customer has gone on since
    return _open(setup, customers.ensure_stripe_customer())


def _open(setup: MethodSetup, customer_id: str) -> dict[str, Any]:
    """Parameters come from the setup's frozen columns only, so that a repeat sends the same ones."""
    page = f"{current_app.extensions['settings'].public_url}/payment-methods/setups/{setup.id}"
    metadata = {"tenant_id": str(setup.tenant_id), "method_setup_id": str(setup.id)}
    params: SessionCreateParams = {
        "mode": "setup",
        "customer": customer_id,
        "client_reference_id": str(setup.id),
        "currency": setup.currency,  # the methods that are offered have to be able to pay in it
        "success_url": page,
        "cancel_url": f"{page}/back",
        "locale": LOCALES.get(setup.language, "auto"),
        "metadata": metadata,
        "setup_intent_data": {"metadata": metadata},
    }
    return as_dict(gateway().write(lambda s: s.v1.checkout.sessions.create(params, keyed(f"method_setup:{setup.id}"))))


def _store(work: Work, opened: dict[str, Any]) -> None:
    setup = _locked_setup(work)
    setup.stripe_session_id = opened["id"]
    setup.expires_at = clock.from_timestamp(opened["expires_at"])
    if setup.state == "preparing":  # not when it was left meanwhile
        steps.move(setup, "open")
        setup.url = opened["url"]
    audit.record("method_setup.open", "method_setup", str(setup.id), after={"stripe_id": opened["id"]})
    finish(work)
    db.session.commit()


def _fail(work: Work, error_code: str) -> None:
    db.session.rollback()
    setup = _locked_setup(work)
    if setup.is_under_way:
        steps.move(setup, "failed", reason=error_code)
        setup.error_code = error_code
        setup.closed_at = clock.now()
    audit.record("method_setup.fail", "method_setup", str(setup.id), after={"error": error_code})
    finish(work)
    db.session.commit()
