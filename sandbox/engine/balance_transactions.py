"""What moves the account's own balance: payments, refunds, disputes, payouts, each with Stripe's fee.

Amounts are minor units of the payment's currency: nothing is converted. `net` is what the balance changes by.
Fees and delays are assumed: 2.9 % and 30 cents, half up, of every payment that arrives; money of payments and
refunds is pending for two days, everything else is available at once.
"""

from collections.abc import Iterator
from fractions import Fraction

from ..bank_accounts import Account
from ..cards import Card
from . import agenda
from .fields import where
from .money import rounded, step
from .work import Obj, Work

KIND = "balance_transaction"
AVAILABLE = "balance_transaction.available"
_DELAY = 2 * 86400
_FEE_RATE, _FEE_FIXED = Fraction(29, 1000), 30
_CATEGORIES = {"payment": "charge", "payment_refund": "refund", "payout_cancel": "payout_reversal"}


def fee_of(amount: int, currency: str) -> int:
    """What Stripe keeps of a payment (assumed rate, half up), in minor units."""
    return rounded(amount * _FEE_RATE, currency) + _FEE_FIXED * step(currency)


def of_payment(work: Work, charge: Obj, instrument: Card | Account | None) -> Obj:
    """A captured charge arrives; the charge names the transaction."""
    amount, currency = charge["amount_captured"], charge["currency"]
    at_once = isinstance(instrument, Card) and instrument.funds_at_once
    kind = "charge" if charge["id"].startswith("ch_") else "payment"
    transaction = record(
        work,
        kind,
        charge["id"],
        amount,
        currency,
        fee=fee_of(amount, currency),
        delay=0 if at_once else _DELAY,
        description=charge["description"],
    )
    charge["balance_transaction"] = transaction["id"]
    return transaction


def of_refund(work: Work, refund: Obj, charge: Obj) -> None:
    """A refund leaves; fees are not returned. The refund names the transaction."""
    kind = "refund" if charge["id"].startswith("ch_") else "payment_refund"
    described = f"REFUND FOR CHARGE ({charge['description']})" if charge["description"] else "REFUND FOR CHARGE"
    transaction = record(
        work, kind, refund["id"], -refund["amount"], refund["currency"], delay=_DELAY, description=described
    )
    refund["balance_transaction"] = transaction["id"]


def of_failed_refund(work: Work, refund: Obj) -> None:
    """A refund that did not arrive comes back; the refund names that transaction too."""
    transaction = record(
        work,
        "refund_failure",
        refund["id"],
        refund["amount"],
        refund["currency"],
        delay=_DELAY,
        description="REFUND FAILURE",
    )
    refund["failure_balance_transaction"] = transaction["id"]


def record(
    work: Work,
    kind: str,
    source: str,
    amount: int,
    currency: str,
    *,
    fee: int = 0,
    fee_description: str = "Stripe processing fees",
    delay: int = 0,
    description: str | None = None,
    category: str | None = None,
) -> Obj:
    """One transaction of Stripe's `type` kind; `delay` seconds until its money is available."""
    transaction: Obj = {
        "id": work.new_id("txn"),
        "object": KIND,
        "amount": amount,
        "available_on": work.now + delay,
        "balance_type": "payments",
        "created": work.now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": _fee_details(fee, currency, fee_description),
        "net": amount - fee,
        "reporting_category": category or _CATEGORIES.get(kind, kind),
        "source": source,
        "status": "pending" if delay else "available",
        "type": kind,
    }
    work.add(KIND, transaction)
    if delay:
        agenda.put(work, AVAILABLE, transaction["id"], transaction["available_on"])
    return transaction


def _fee_details(fee: int, currency: str, description: str) -> list[Obj]:
    if fee == 0:
        return []
    return [
        {"amount": fee, "application": None, "currency": currency, "description": description, "type": "stripe_fee"}
    ]


def available_due(work: Work, transaction_id: str) -> None:
    """The agenda's: pending -> available."""
    work.edit(KIND, transaction_id)["status"] = "available"


def sums(work: Work, status: str) -> dict[str, int]:
    """What is pending or available, per currency."""
    found: dict[str, int] = {}
    for transaction in work.all(KIND):
        if transaction["status"] == status:
            found[transaction["currency"]] = found.get(transaction["currency"], 0) + transaction["net"]
    return found


def not_paid_out(work: Work, currency: str) -> Iterator[str]:
    """The available transactions that no automatic payout has taken up yet."""
    for transaction in work.all(KIND):
        if transaction["status"] == "available" and transaction["currency"] == currency and "_" not in transaction:
            yield str(transaction["id"])


def mark_paid_out(work: Work, transaction_id: str, payout_id: str) -> None:
    """Notes which automatic payout took the transaction up."""
    work.edit(KIND, transaction_id)["_"] = {"payout": payout_id}


def balance(work: Work, _params: Obj) -> Obj:
    """GET /v1/balance. Everything counts as coming from cards, as Stripe has it for most methods."""
    available, pending = sums(work, "available"), sums(work, "pending")
    currencies = sorted({*available, *pending}) or ["usd"]
    return {
        "object": "balance",
        "available": [_amount(available, currency) for currency in currencies],
        "livemode": False,
        "pending": [_amount(pending, currency) for currency in currencies],
    }


def retrieve(work: Work, _params: Obj, transaction_id: str) -> Obj:
    """GET /v1/balance_transactions/{id}."""
    return work.read(KIND, transaction_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/balance_transactions; `payout` names an automatic payout and lists what it paid out."""
    for transaction in where(work.all(KIND), params, "currency", "source", "type"):
        if "payout" not in params or params["payout"] in (
            transaction.get("_", {}).get("payout"),
            transaction["source"],
        ):
            yield transaction


def _amount(sums_of: dict[str, int], currency: str) -> Obj:
    amount = sums_of.get(currency, 0)
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}
