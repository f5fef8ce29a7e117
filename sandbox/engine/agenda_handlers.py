"""Which function does which entry of the agenda."""

from . import (
    agenda,
    balance_transactions,
    cancellation,
    checkout_sessions,
    coupons,
    discounts,
    disputes,
    invoice_automation,
    pausing,
    payment_intents,
    payment_outcomes,
    payouts,
    pending_updates,
    promotion_codes,
    refunds,
    renewals,
    schedule_phases,
    schedule_states,
    tax_ids,
    test_clock_changes,
    trials,
)

_HANDLERS: dict[str, agenda.Handler] = {
    balance_transactions.AVAILABLE: balance_transactions.available_due,
    "checkout.session.expire": checkout_sessions.expire_due,
    coupons.EXPIRE: coupons.expire_due,
    discounts.END: discounts.end_due,
    disputes.DUE: disputes.expire_due,
    disputes.VERDICT: disputes.verdict_due,
    "invoice.finalize": invoice_automation.finalize_due,
    "invoice.overdue": invoice_automation.overdue,
    "invoice.pay": invoice_automation.attempt,
    "invoice.will_be_due": invoice_automation.will_be_due,
    payment_intents.EXPIRE: payment_intents.expire_due,
    payment_intents.SETTLE: payment_outcomes.settle_due,
    payouts.DAILY: payouts.daily_due,
    payouts.PAY: payouts.pay_due,
    pending_updates.EXPIRE: pending_updates.expire_due,
    promotion_codes.EXPIRE: promotion_codes.expire_due,
    refunds.SETTLE: refunds.settle_due,
    schedule_states.EXPIRING: schedule_states.expiring_due,
    schedule_states.PHASE: schedule_phases.advance_due,
    "subscription.cancel": cancellation.cancel_due,
    "subscription.expire": cancellation.expire_due,
    "subscription.renew": renewals.renew,
    "subscription.resume_collection": pausing.resume_collection_due,
    "subscription.resumption_expire": pausing.resumption_expire_due,
    "subscription.trial_will_end": trials.will_end,
    "subscription.upcoming": renewals.announce,
    tax_ids.VERIFY: tax_ids.verify_due,
    "test_clock.delete": test_clock_changes.delete_due,
}


def names() -> set[str]:
    """What there can be on the agenda."""
    return set(_HANDLERS)


def register_all() -> None:
    """Makes every handler known to the agenda."""
    for what, handler in _HANDLERS.items():
        agenda.register(what, handler)
