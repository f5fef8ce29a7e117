"""One try to collect at Stripe: by hand or with the backup, by the request or the worker that inherited it."""

from uuid import UUID

from sqlalchemy import select

from portal import clock, lookups, steps
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.models import CollectionAttempt, Invoice, PaymentMethod
from portal.outbox import Work, finish, stage
from portal.security import audit

# Stripe's codes for "the bank asks the payer": on Stripe's own invoice page the payer can answer.
_ASKS_PAYER = ("authentication_required", "invoice_payment_intent_requires_action", "payment_intent_action_required")
Outcome = tuple[str, str | None]


def try_backup(work: Work) -> None:
    """After an automatic try that failed: charge the backup method, once for each such try.

    Payload: ``invoice_id``, ``automatic_number``. Does nothing when the invoice was paid or tried again meanwhile,
    when somebody is just paying by hand, or when the backup is what had failed.
    """
    require_money_allowed()
    customer = locked()
    invoice = db.session.scalars(select(Invoice).where(Invoice.id == UUID(str(work.payload["invoice_id"])))).one()
    method = db.session.scalars(
        select(PaymentMethod).where(
            PaymentMethod.stripe_payment_method_id == customer.backup_payment_method,
            PaymentMethod.detached_at.is_(None),
        )
    ).first()
    if method is None or not _wants_backup(invoice, int(work.payload["automatic_number"])):
        finish(work)
        db.session.commit()
        return
    _begin(invoice, method)
    finish(work)
    db.session.commit()


def _wants_backup(invoice: Invoice, automatic_number: int) -> bool:
    tried = select(CollectionAttempt.id).where(
        CollectionAttempt.invoice_id == invoice.id,
        (CollectionAttempt.state == "started")
        | ((CollectionAttempt.source == "backup") & (CollectionAttempt.automatic_number == automatic_number)),
    )
    return (
        invoice.status == "open"
        and invoice.amount_remaining_minor > 0
        and invoice.payment_state in ("failed", "action_required")
        and invoice.attempt_count == automatic_number
        and db.session.scalar(tried.limit(1)) is None
    )


def _begin(invoice: Invoice, method: PaymentMethod) -> CollectionAttempt:
    attempt = CollectionAttempt(
        tenant_id=invoice.tenant_id,
        id=uuid7(),
        invoice_id=invoice.id,
        payment_method_id=method.id,
        source="backup",
        automatic_number=invoice.attempt_count,
        amount_minor=invoice.amount_remaining_minor,
        currency=invoice.currency,
    )
    steps.begin(attempt, "started")
    db.session.add(attempt)
    db.session.flush()
    after = {"invoice": str(invoice.id), "amount_minor": attempt.amount_minor, "currency": attempt.currency}
    audit.record("invoice.pay_with_backup", "collection_attempt", str(attempt.id), after=after)
    stage(
        "invoice.collect",
        f"invoice.collect:{attempt.id}",
        tenant_id=attempt.tenant_id,
        payload={"attempt_id": str(attempt.id)},
    )
    return attempt


def collect(work: Work) -> None:
    """Ask Stripe to charge the try's method for its invoice, and write down what came of it.

    The key is the try: asked again after a lost answer, Stripe charges nothing twice. A decline and other refusals
    are states of the try. Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` when it is unknown.
    """
    require_money_allowed()
    attempt = _locked_attempt(work)
    if attempt.state != "started":
        finish(work)
        db.session.commit()
        return
    invoice = db.session.get_one(Invoice, (attempt.tenant_id, attempt.invoice_id))
    method = db.session.get_one(PaymentMethod, (attempt.tenant_id, attempt.payment_method_id))
    db.session.commit()
    outcome = _ask(attempt, invoice.stripe_invoice_id, method.stripe_payment_method_id)
    _store(work, outcome, invoice, method.stripe_payment_method_id)


def _ask(attempt: CollectionAttempt, invoice_id: str, method_id: str) -> Outcome:
    """A try that nobody could make for a day is over, unless Stripe took the money and nobody heard of it."""
    if key_is_forgotten(attempt.created_at):
        found = as_dict(gateway().read(lambda s: s.v1.invoices.retrieve(invoice_id)))
        return ("paid", None) if found["status"] == "paid" else ("refused", "given_up")
    by_hand = attempt.source == "hand"
    try:
        answer = gateway().write(
            lambda s: s.v1.invoices.pay(
                # By hand the payer is there: a card that was set up for that is not asked for less.
                invoice_id,
                {"payment_method": method_id, "off_session": not by_hand},
                keyed(f"invoice.collect:{attempt.id}"),
            )
        )
    except StripeRefused as error:
        return _outcome_of(error)
    return ("paid" if as_dict(answer)["status"] == "paid" else "processing"), None


def _outcome_of(error: StripeRefused) -> Outcome:
    code, decline = error.params.get("stripe_code"), error.params.get("decline_code")
    if code in _ASKS_PAYER or decline in _ASKS_PAYER:
        return "action_required", "authentication_required"
    if code == "invoice_already_paid":
        return "paid", None
    return ("declined" if error.code == "card_declined" else "refused"), str(decline or code or error.code)


def _store(work: Work, outcome: Outcome, invoice: Invoice, stripe_method_id: str) -> None:
    customer = locked()
    attempt = _locked_attempt(work)
    state, failure_code = outcome
    steps.move(attempt, state, reason=failure_code or "")
    attempt.failure_code = failure_code
    attempt.finished_at = clock.now()
    audit.record("invoice.collect", "collection_attempt", str(attempt.id), after={"state": state, "code": failure_code})
    if attempt.makes_default and state in ("paid", "processing"):
        customer.requested_payment_method = stripe_method_id
        customer.default_requested_at = clock.now()
        stage(
            "payment_method.default",
            f"payment_method.default:{attempt.id}",
            tenant_id=attempt.tenant_id,
            payload={"stripe_payment_method_id": stripe_method_id},
        )
    want(invoice.stripe_invoice_id, "invoice")
    if state == "paid" and invoice.stripe_subscription_id:  # it is not past due any more
        want(invoice.stripe_subscription_id, "subscription")
    finish(work)
    db.session.commit()


def _locked_attempt(work: Work) -> CollectionAttempt:
    return lookups.for_update(CollectionAttempt, UUID(str(work.payload["attempt_id"])))
