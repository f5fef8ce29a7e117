"""Stripe taxes each subscription as the portal decided."""

import hashlib
import json
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from portal import clock, tax_terms
from portal.extensions import db
from portal.findings import report
from portal.gateway.client import gateway, keyed
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.mirror import live_lists, subscription_taxes, sweep
from portal.models import Customer, Subscription
from portal.outbox import Work, finish
from portal.pricing.taxation import Outcome
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import CustomerUpdateParams, SubscriptionUpdateParams

log = logging.getLogger("portal.taxes")
OUR_SUBSCRIPTIONS = live_lists.LISTS["our_subscriptions"]


def apply(work: Work) -> None:
    """Outbox work: rates, automatic tax and exemption at Stripe, as they are meant now. Payload: ``subscription_id``.

    What is billed already stays as it is: the change alone bills nothing. A refusal of Stripe's is a finding for staff.
    Raises :class:`portal.gateway.errors.PaymentServiceUnavailable`, after which it is done again.
    """
    subscription_id = UUID(str(work.payload["subscription_id"]))
    row = db.session.scalars(select(Subscription).where(Subscription.id == subscription_id)).one()
    meant = tax_terms.current()
    customer = db.session.get_one(Customer, row.tenant_id)
    is_done = not row.is_live or meant.kind == "unmanaged" or subscription_taxes.is_as_meant(row, meant)
    db.session.commit()
    if not is_done:
        _tell_stripe(work, row, customer, meant)
    finish(work)
    db.session.commit()


def _tell_stripe(work: Work, row: Subscription, customer: Customer, meant: Outcome) -> None:
    customer_id, stripe_id = str(customer.stripe_customer_id), row.stripe_subscription_id
    exempt: CustomerUpdateParams = {"tax_exempt": meant.tax_exempt}
    taxed: SubscriptionUpdateParams = {
        "default_tax_rates": meant.rate_ids or "",
        "automatic_tax": {"enabled": meant.is_automatic},
        "proration_behavior": "none",
    }
    try:
        gateway().write(lambda s: s.v1.customers.update(customer_id, exempt, keyed(_key(work, exempt))))
        gateway().write(lambda s: s.v1.subscriptions.update(stripe_id, taxed, keyed(_key(work, taxed))))
    except StripeRefused as error:
        log.warning("stripe refused the taxes of a subscription: %s", error.code)
        report("tax_refused", stripe_id, code=error.code)
    after = {"kind": meant.kind, "rates": meant.rate_ids, "automatic": meant.is_automatic, "exempt": meant.tax_exempt}
    audit.record("tax.apply", "subscription", str(row.id), after=after)
    want(customer_id, "customer")
    want(stripe_id, "subscription")


def _key(work: Work, params: object) -> str:
    """Of what is asked for, too: between two tries of the work something else may be meant."""
    told = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]
    return f"tax.apply:{work.id}:{told}"


def spread(work: Work) -> None:
    """Outbox work: every running subscription is read again, and with that compared with what staff decided.

    One after the other, at the pace of the nightly sweep: customers wait for other things. Commits each page.
    """
    seen = 0
    page = OUR_SUBSCRIPTIONS.read(None, clock.now())
    while True:
        sweep.want_in_turn(page.entries, first=seen)
        if page.after is None:
            break
        db.session.commit()
        seen += len(page.entries)
        page = OUR_SUBSCRIPTIONS.read(page.after, clock.now())
    finish(work)
    db.session.commit()
