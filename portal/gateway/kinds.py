"""Which object a Stripe event names: the one whose newest state we then read."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Target(NamedTuple):
    """A Stripe object to be mirrored: its kind (our name for the mirror's file) and its id."""

    kind: str
    object_id: str


# Event family → kind. The longest matching prefix wins. What is not listed is stored and not followed.
_FAMILIES = {
    "checkout.session.": "checkout_session",
    "customer.subscription.": "subscription",
    "invoice.": "invoice",
    "invoice_payment.": "invoice",
    "invoiceitem.": None,
    "credit_note.": "credit_note",
    "customer.": "customer",
    "customer.discount.": "subscription",
    "customer.source.": "customer",
    "customer.tax_id.": "customer",
    "payment_method.": "payment_method",
    "payment_intent.": "payment_intent",
    "charge.": "payment_intent",
    "refund.": "payment_intent",
    "subscription_schedule.": "subscription_schedule",
    "test_helpers.test_clock.": "test_clock",
}
# These name their object through another field than `id`.
_THROUGH = {
    "customer.discount.": "subscription",
    "customer.source.": "customer",
    "customer.tax_id.": "customer",
    "charge.": "payment_intent",
    "refund.": "payment_intent",
    "invoice_payment.": "invoice",
}

# What we ask of Stripe's list of events: the same that an endpoint listens for (README), in groups of at most
# twenty, because the list takes no more types at once. Each group is looked through by itself.
POLLED: Mapping[str, tuple[str, ...]] = {
    "subscribing": (
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "customer.updated",
        "customer.discount.created",
        "customer.discount.updated",
        "customer.discount.deleted",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.trial_will_end",
        "payment_method.attached",
        "payment_method.detached",
        "payment_method.updated",
        "payment_method.automatically_updated",
        "test_helpers.test_clock.ready",
    ),
    "changing": (
        "customer.subscription.pending_update_applied",
        "customer.subscription.pending_update_expired",
        "subscription_schedule.aborted",
        "subscription_schedule.canceled",
        "subscription_schedule.completed",
        "subscription_schedule.created",
        "subscription_schedule.released",
        "subscription_schedule.updated",
    ),
    "invoicing": (
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "invoice.overdue",
        "invoice.voided",
        "invoice.marked_uncollectible",
    ),
    "giving_back": (
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.refunded",
        "credit_note.created",
        "credit_note.updated",
        "credit_note.voided",
        "refund.created",
        "refund.failed",
        "refund.updated",
    ),
}


def named_object(event_type: str, body: dict[str, Any]) -> Target | None:
    """The object that an event names, or ``None`` when the mirror does not follow its family."""
    prefixes = [prefix for prefix in _FAMILIES if event_type.startswith(prefix)]
    if not prefixes:
        return None
    prefix = max(prefixes, key=len)
    kind = _FAMILIES[prefix]
    object_id = body.get(_THROUGH.get(prefix, "id"))
    # `invoice.upcoming` names what is not there yet: without an id, or by one that nobody can read.
    if kind is None or not isinstance(object_id, str) or object_id.startswith("upcoming_"):
        return None
    return Target(kind, object_id)
