"""Payouts of what is available in the account's balance: pending for a day, then paid.

By hand, or daily by itself when the account is set so (account_settings: automatic_payouts). Payouts go by the
global clock, whatever clock the payments came from.
"""

from collections.abc import Iterator

from ..errors import InvalidRequest, NotModelled, modelled
from . import account_settings, agenda, balance_transactions
from .fields import absent, cleared, in_range, merged_metadata, new_metadata, where
from .money import currency_code, formatted, whole_amount
from .work import Obj, Work, copied

KIND = "payout"
PAY, DAILY = "payout.pay", account_settings.PAYOUTS
_DAY = 86400
_LONGEST_DESCRIPTOR = 22


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/payouts of an `amount` in minor units; InvalidRequest (balance_insufficient) beyond what is there."""
    known = {"amount", "currency", "description", "metadata", "method", "source_type", "statement_descriptor"}
    modelled(params, known, "payouts")
    if params.get("method", "standard") != "standard" or params.get("source_type", "card") != "card":
        raise NotModelled("instant payouts and other sources than cards")
    currency = currency_code(params["currency"])
    amount = whole_amount(params["amount"], currency, param="amount")
    if amount < 1:
        raise InvalidRequest(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    there = balance_transactions.sums(work, "available").get(currency, 0)
    if amount > there:
        raise InvalidRequest(
            f"You have insufficient funds in your Stripe account for this payout of {formatted(amount, currency)}; "
            f"{formatted(there, currency)} is available.",
            code="balance_insufficient",
        )
    descriptor = params.get("statement_descriptor")
    if descriptor is not None and len(descriptor) > _LONGEST_DESCRIPTOR:
        raise InvalidRequest(
            f"A statement descriptor has at most {_LONGEST_DESCRIPTOR} characters.", param="statement_descriptor"
        )
    payout = _new(work, amount, currency, automatic=False)
    payout.update(
        description=cleared(params.get("description")),
        metadata=new_metadata(params.get("metadata")),
        statement_descriptor=cleared(descriptor),
    )
    work.emit("payout.created", payout)
    return payout


def cancel(work: Work, _params: Obj, payout_id: str) -> Obj:
    """POST /v1/payouts/{id}/cancel while it is pending and was made by hand; its money comes back."""
    payout = work.edit(KIND, payout_id)
    if payout["automatic"]:
        raise InvalidRequest("Payouts that were created automatically cannot be canceled.")
    if payout["status"] != "pending":
        raise InvalidRequest(f"Payouts can only be canceled while they are pending; this one is {payout['status']}.")
    _give_back(work, payout, "payout_cancel", "canceled")
    work.emit("payout.canceled", payout)
    return payout


def fail(work: Work, payout_id: str, code: str = "account_closed") -> Obj:
    """A bank sends a payout back, also one that was paid; its money comes back. Emits payout.failed."""
    payout = work.edit(KIND, payout_id)
    if payout["status"] not in ("pending", "paid"):
        raise InvalidRequest(f"This payout is {payout['status']}.")
    _give_back(work, payout, "payout_failure", "failed")
    payout.update(failure_code=code, failure_message=f"The bank refused the payout ({code}).")
    work.emit("payout.failed", payout)
    return payout


def update(work: Work, params: Obj, payout_id: str) -> Obj:
    """POST /v1/payouts/{id}: metadata only."""
    payout = work.edit(KIND, payout_id)
    before = copied(payout)
    payout["metadata"] = merged_metadata(payout["metadata"], params.get("metadata"))
    work.emit_updated("payout.updated", before, payout)
    return payout


def retrieve(work: Work, _params: Obj, payout_id: str) -> Obj:
    """GET /v1/payouts/{id}."""
    return work.read(KIND, payout_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/payouts."""
    for payout in where(work.all(KIND), params, "status", "destination"):
        if in_range(payout["arrival_date"], params.get("arrival_date")):
            yield payout


def pay_due(work: Work, payout_id: str) -> None:
    """The agenda's: pending -> paid; an automatic one has all of its transactions listed by then."""
    payout = work.edit(KIND, payout_id)
    before = copied(payout)
    payout["status"] = "paid"
    if payout["automatic"]:
        payout["reconciliation_status"] = "completed"
    work.emit_updated("payout.updated", before, payout)
    work.emit("payout.paid", payout)
    if payout["automatic"]:
        work.emit("payout.reconciliation_completed", payout)


def daily_due(work: Work, account: str) -> None:
    """The agenda's: pays out everything that is available, per currency, and comes again tomorrow."""
    if not account_settings.current(work)["automatic_payouts"]:
        return
    for currency, amount in sorted(balance_transactions.sums(work, "available").items()):
        if amount <= 0:
            continue
        paid_out = list(balance_transactions.not_paid_out(work, currency))
        payout = _new(work, amount, currency, automatic=True)
        for transaction_id in (*paid_out, payout["balance_transaction"]):
            balance_transactions.mark_paid_out(work, transaction_id, payout["id"])
        work.emit("payout.created", payout)
    agenda.put(work, DAILY, account, work.now + _DAY)


def _new(work: Work, amount: int, currency: str, *, automatic: bool) -> Obj:
    payout_id = work.new_id("po")
    transaction = balance_transactions.record(work, "payout", payout_id, -amount, currency, description="STRIPE PAYOUT")
    payout = {
        **absent(
            "application_fee", "application_fee_amount", "description", "destination", "failure_balance_transaction",
            "failure_code", "failure_message", "original_payout", "payout_method", "reversed_by",
            "statement_descriptor",
        ),
        "id": payout_id,
        "object": KIND,
        "amount": amount,
        "arrival_date": work.now + _DAY,
        "automatic": automatic,
        "balance_transaction": transaction["id"],
        "created": work.now,
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "source_type": "card",
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }  # fmt: skip
    agenda.put(work, PAY, payout_id, payout["arrival_date"])
    return work.add(KIND, payout)


def _give_back(work: Work, payout: Obj, kind: str, status: str) -> None:
    agenda.drop(work, PAY, payout["id"])
    back = balance_transactions.record(work, kind, payout["id"], payout["amount"], payout["currency"])
    payout.update(status=status, failure_balance_transaction=back["id"])
