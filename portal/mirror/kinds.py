"""Which file mirrors which kind of object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.mirror import (
    checkout_sessions,
    credit_notes,
    customers,
    invoices,
    payment_intents,
    payment_methods,
    subscription_schedules,
    subscriptions,
    test_clocks,
)

Resource = dict[str, Any]


@dataclass(frozen=True)
class Mirrored:
    """``fetch`` reads Stripe with no transaction open; ``apply`` writes our rows in the caller's transaction."""

    fetch: Callable[[str], Resource]
    customer: Callable[[Resource], str | None]
    apply: Callable[[Resource], None]
    # Whose it was, for objects that Stripe has cut off from their customer.
    former_tenant: Callable[[Resource], UUID | None] = lambda _resource: None


KINDS: Mapping[str, Mirrored] = {
    "checkout_session": Mirrored(checkout_sessions.fetch, checkout_sessions.customer, checkout_sessions.apply),
    "credit_note": Mirrored(credit_notes.read, credit_notes.customer, credit_notes.apply),
    "customer": Mirrored(customers.fetch, customers.customer, customers.apply),
    "invoice": Mirrored(invoices.fetch, invoices.customer, invoices.apply),
    "payment_intent": Mirrored(payment_intents.fetch, payment_intents.customer, payment_intents.apply),
    "payment_method": Mirrored(
        payment_methods.fetch, payment_methods.customer, payment_methods.apply, payment_methods.former_tenant
    ),
    "subscription": Mirrored(subscriptions.fetch, subscriptions.customer, subscriptions.apply),
    "subscription_schedule": Mirrored(
        subscription_schedules.fetch, subscription_schedules.customer, subscription_schedules.apply
    ),
    "test_clock": Mirrored(test_clocks.fetch, test_clocks.customer, test_clocks.apply),
}
