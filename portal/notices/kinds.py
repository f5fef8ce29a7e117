"""The kinds of notices: who is told, by which channels, and who composes the message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portal.models import Notice
from portal.notices.contents import (
    api_keys,
    cancellations,
    collection,
    discounts,
    invoices,
    money_back,
    plan_changes,
    subscriptions,
    trials,
)
from portal.notices.message import Message
from portal.notices.recipients import Recipient, members_and_contact

Compose = Callable[[Notice], Message]


@dataclass(frozen=True)
class Audience:
    """Which of a tenant's people are told."""

    roles: tuple[str, ...]
    with_contact: bool = False

    def recipients(self) -> list[Recipient]:
        """The people of the bound tenant."""
        return members_and_contact(self.roles, with_contact=self.with_contact)


BILLING = Audience(("owner", "billing"), with_contact=True)
OWNERS = Audience(("owner",))


@dataclass(frozen=True)
class Kind:
    """One row of the table. ``compose`` reads the rows of the bound tenant and speaks to the current viewer.

    It raises :class:`portal.notices.message.Overtaken` when the message is no longer true.
    """

    name: str
    audience: Audience
    compose: Compose
    channels: tuple[str, ...] = ("mail",)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("subscription_started", BILLING, subscriptions.started),
        Kind("subscription_canceled", BILLING, subscriptions.canceled),
        Kind("discount_added", BILLING, discounts.added),
        Kind("discount_removed", BILLING, discounts.removed),
        Kind("trial_ending", BILLING, trials.ending),
        Kind("trial_converted", BILLING, trials.converted),
        Kind("trial_lapsed", BILLING, trials.lapsed),
        Kind("cancellation_scheduled", BILLING, cancellations.scheduled),
        Kind("cancellation_undone", BILLING, cancellations.undone),
        Kind("plan_changed", BILLING, plan_changes.changed),
        Kind("plan_change_scheduled", BILLING, plan_changes.scheduled),
        Kind("plan_change_awaiting_payment", BILLING, plan_changes.waits_for_payment),
        Kind("plan_change_ended", BILLING, plan_changes.ended),
        Kind("invoice_issued", BILLING, invoices.issued),
        Kind("payment_failed", BILLING, invoices.payment_failed),
        Kind("refund_made", BILLING, money_back.refund_made),
        Kind("refund_failed", BILLING, money_back.refund_failed),
        Kind("credit_note_issued", BILLING, money_back.credit_note_issued),
        Kind("credit_note_voided", BILLING, money_back.credit_note_voided),
        Kind("balance_adjusted", BILLING, money_back.balance_adjusted),
        Kind("invoice_settled", BILLING, money_back.invoice_settled),
        Kind("payment_method_added", BILLING, collection.method_added),
        Kind("payment_method_changed", BILLING, collection.method_changed),
        Kind("card_expires", BILLING, collection.card_expires),
        Kind("standing_changed", BILLING, collection.standing_changed),
        Kind("api_key_created", OWNERS, api_keys.created),
        Kind("api_key_revoked", OWNERS, api_keys.revoked),
    )
}
