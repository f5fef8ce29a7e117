"""What a checkout does at Stripe. Done by the request that started it, or by the worker that inherited it."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from flask import current_app

from portal import clock, lookups, steps
from portal.billing import customers
from portal.errors import Unavailable
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeMisconfigured, StripeRefused
from portal.gateway.inbox import want
from portal.gateway.lists import entries
from portal.mirror import redemptions
from portal.models import Checkout, Coupon, PlanPrice, TaxRate
from portal.outbox import Retry, Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import SubscriptionCreateParams
    from stripe.params.checkout import SessionCreateParams

# The portal's languages as Checkout names them.
LOCALES = {"en": "en", "es": "es", "pt_BR": "pt-BR"}

log = logging.getLogger("portal.checkout")


class GivenUp(Unavailable):
    """It could not be opened for almost a day; the customer has gone on since."""

    code = "checkout_given_up"


def open_session(work: Work) -> None:
    """Open the checkout's session at Stripe and store its address, or end the checkout as failed.

    Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` when the effect is unknown: the outbox row
    stays and is done again with the same key. Other failures end the checkout and are raised too.
    """
    require_money_allowed()
    checkout = _locked_checkout(work)
    price = db.session.get_one(PlanPrice, checkout.plan_price_id)
    coupon = None if checkout.coupon_id is None else db.session.get_one(Coupon, checkout.coupon_id)
    tax_rate = None if checkout.tax_rate_id is None else db.session.get_one(TaxRate, checkout.tax_rate_id)
    terms = _Terms(price, coupon, tax_rate)
    # One that was ended meanwhile is still opened: only then its session has a name and can be expired.
    if checkout.stripe_session_id or checkout.stripe_subscription_id or checkout.state == "failed":
        finish(work)
        db.session.commit()
        return
    db.session.commit()
    try:
        opened = _opened(checkout, terms, customers.ensure_stripe_customer())
    except (StripeRefused, StripeMisconfigured, GivenUp) as error:
        _fail(work, error.code)
        raise
    _store(work, opened)


@dataclass(frozen=True)
class _Terms:
    """What a checkout was frozen with, read while a transaction was open."""

    price: PlanPrice
    coupon: Coupon | None
    tax_rate: TaxRate | None


def _opened(checkout: Checkout, terms: _Terms, customer_id: str) -> dict[str, Any]:
    """What Stripe made for the checkout: a session, or the subscription itself, where nobody has to pay now.

    Raises :class:`GivenUp` when the first try lies so far back that its key is forgotten at Stripe: asked
    again with it, Stripe could do it twice.
    """
    is_direct = terms.price.unit_amount_minor == 0 or checkout.trial_method == "optional"
    if key_is_forgotten(checkout.created_at):
        found = _subscription_of(checkout, customer_id) if is_direct else None
        if found is None:
            raise GivenUp
        return found
    if is_direct:
        return _subscribe(checkout, terms, customer_id)
    return _open(checkout, terms, customer_id)


def _subscription_of(checkout: Checkout, customer_id: str) -> dict[str, Any] | None:
    made = entries(
        lambda page: gateway().read(lambda s: s.v1.subscriptions.list(page)), customer=customer_id, status="all"
    )
    mine = (entry for entry in made if entry["metadata"].get("checkout_id") == str(checkout.id))
    return next(mine, None)


def expire_session(work: Work) -> None:
    """End the session of an abandoned checkout; a session that was paid first is read again instead."""
    checkout = _locked_checkout(work)
    session_id = checkout.stripe_session_id
    still_opening = session_id is None and checkout.state != "failed" and checkout.stripe_subscription_id is None
    db.session.commit()
    if still_opening and not key_is_forgotten(checkout.created_at):
        raise Retry(2, "the session is still being opened")
    if session_id is None:
        return
    try:
        gateway().write(
            lambda s: s.v1.checkout.sessions.expire(session_id, None, keyed(f"checkout.expire:{checkout.id}"))
        )
    except StripeRefused:
        log.info("the session has ended already; reading it says how")
    want(session_id, "checkout_session")
    finish(work)
    db.session.commit()


def _locked_checkout(work: Work) -> Checkout:
    return lookups.for_update(Checkout, UUID(str(work.payload["checkout_id"])))


def _open(checkout: Checkout, terms: _Terms, customer_id: str) -> dict[str, Any]:
    """Parameters come from frozen columns only (of checkout, price, coupon, tax): a repeat sends the same ones."""
    page = f"{current_app.extensions['settings'].public_url}/checkout/{checkout.id}"
    metadata = {
        "tenant_id": str(checkout.tenant_id),
        "checkout_id": str(checkout.id),
        "plan_id": checkout.plan_id,
    }
    params: SessionCreateParams = {
        "mode": "subscription",
        "customer": customer_id,
        "client_reference_id": str(checkout.id),
        "line_items": [{"price": str(terms.price.stripe_price_id), "quantity": 1}],
        "success_url": page,
        "cancel_url": f"{page}/back",
        "locale": LOCALES.get(checkout.language, "auto"),
        "metadata": metadata,
        "subscription_data": {"metadata": metadata},
    }
    if terms.coupon is not None:
        params["discounts"] = [{"coupon": str(terms.coupon.stripe_coupon_id)}]
    if terms.tax_rate is not None:
        params["subscription_data"]["default_tax_rates"] = [terms.tax_rate.stripe_tax_rate_id]
    if checkout.automatic_tax:
        params["automatic_tax"] = {"enabled": True}
    if checkout.trial_days:
        params["payment_method_collection"] = "always"
        params["subscription_data"]["trial_period_days"] = checkout.trial_days
        params["subscription_data"]["trial_settings"] = {
            "end_behavior": {"missing_payment_method": _trial_end(checkout)}
        }
    return as_dict(gateway().write(lambda s: s.v1.checkout.sessions.create(params, keyed(f"checkout:{checkout.id}"))))


def _trial_end(checkout: Checkout) -> "Literal['cancel', 'create_invoice', 'pause']":
    return checkout.trial_end  # type: ignore[return-value]  # held by a constraint of the table


def _subscribe(checkout: Checkout, terms: _Terms, customer_id: str) -> dict[str, Any]:
    params: SubscriptionCreateParams = {
        "customer": customer_id,
        "items": [{"price": str(terms.price.stripe_price_id), "quantity": 1}],
        "metadata": {"tenant_id": str(checkout.tenant_id), "checkout_id": str(checkout.id)},
    }
    if checkout.trial_days:
        params["trial_period_days"] = checkout.trial_days
        params["trial_settings"] = {"end_behavior": {"missing_payment_method": _trial_end(checkout)}}
    if terms.coupon is not None:
        params["discounts"] = [{"coupon": str(terms.coupon.stripe_coupon_id)}]
    if terms.tax_rate is not None:
        params["default_tax_rates"] = [terms.tax_rate.stripe_tax_rate_id]
    if checkout.automatic_tax:
        params["automatic_tax"] = {"enabled": True}
    return as_dict(gateway().write(lambda s: s.v1.subscriptions.create(params, keyed(f"checkout:{checkout.id}"))))


def _store(work: Work, opened: dict[str, Any]) -> None:
    checkout = _locked_checkout(work)
    if opened["object"] == "subscription":
        steps.move(checkout, "complete")
        checkout.closed_at = clock.now()
        checkout.stripe_subscription_id = opened["id"]
    else:
        checkout.stripe_session_id = opened["id"]
        checkout.expires_at = clock.from_timestamp(opened["expires_at"])
        if checkout.state == "preparing":  # not when it was abandoned meanwhile
            steps.move(checkout, "open")
            checkout.url = opened["url"]
    audit.record("checkout.open", "checkout", str(checkout.id), after={"stripe_id": opened["id"]})
    if opened["object"] == "subscription":  # after the audit entry: the mirror locks in this order too
        want(opened["id"], "subscription")
    finish(work)
    db.session.commit()


def _fail(work: Work, error_code: str) -> None:
    db.session.rollback()
    checkout = _locked_checkout(work)
    if checkout.is_under_way:
        steps.move(checkout, "failed", reason=error_code)
        checkout.error_code = error_code
        checkout.closed_at = clock.now()
    redemptions.release(redemptions.of(checkout), error_code)
    audit.record("checkout.fail", "checkout", str(checkout.id), after={"error": error_code})
    finish(work)
    db.session.commit()
