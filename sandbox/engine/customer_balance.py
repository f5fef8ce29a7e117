"""The customer's balance: credit (below zero) or debt that the next finalized invoice takes up.

Every change is a transaction, so that they sum to `customer.balance`. Amounts are minor units of the customer's
currency. Sources: docs.stripe.com/billing/customer/balance, stripe.md §5.3.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequest, ResourceMissing
from .fields import merged_metadata, new_metadata, where
from .money import currency_code, smallest_charge, whole_amount
from .work import Obj, Work, copied

KIND = "customer_balance_transaction"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an invoice's total and the balance settle: `due` now, and the moves of the balance with their types."""

    due: int
    moves: tuple[tuple[int, str], ...]

    @property
    def moved(self) -> int:
        """By how much the balance changes."""
        return sum(amount for amount, _ in self.moves)


def settle(total: int, balance: int, currency: str) -> Settlement:
    """What is due of an invoice of this total, before anything is charged; pure, for invoices and previews.

    Credit pays, debt comes on top, a total below zero becomes credit. What would be due below Stripe's smallest
    charge becomes debt instead, and nothing is due.
    """
    due = total + balance
    moves = []
    if due < 0:
        moves.append((-balance + due, "applied_to_invoice"))
        due = 0
    else:
        moves.append((-balance, "applied_to_invoice"))
    if 0 < due < smallest_charge(currency):
        moves.append((due, "invoice_too_small"))
        due = 0
    return Settlement(due, tuple(move for move in moves if move[0]))


def open_to(work: Work, invoice: Obj) -> int:
    """The balance that an invoice may take up: the customer's, none for one that documents a payment of before."""
    if invoice["_"].get("apart_from_balance"):
        return 0
    return int(work.read("customer", invoice["customer"])["balance"])


def apply(work: Work, customer_id: str, invoice_id: str) -> Settlement:
    """For finalizing: takes the balance into the invoice: starting_balance, ending_balance, amount_due,
    amount_remaining. Emits customer.updated when the balance moves. The invoice's `total` must be right.
    """
    invoice = work.edit("invoice", invoice_id)
    balance = open_to(work, invoice)
    settlement = settle(invoice["total"], balance, invoice["currency"])
    invoice["starting_balance"] = balance
    for amount, kind in settlement.moves:
        move(work, customer_id, amount, kind, invoice=invoice_id, currency=invoice["currency"])
    invoice["ending_balance"] = invoice["starting_balance"] + settlement.moved
    invoice["amount_due"] = invoice["amount_remaining"] = settlement.due
    return settlement


def unapply(work: Work, invoice_id: str) -> None:
    """For voiding: gives back what the invoice took of the balance (unapplied_from_invoice)."""
    taken = sum(each["amount"] for each in work.all(KIND) if each["invoice"] == invoice_id)
    if taken:
        invoice = work.read("invoice", invoice_id)
        kind, currency = "unapplied_from_invoice", invoice["currency"]
        move(work, invoice["customer"], -taken, kind, invoice=invoice_id, currency=currency)


def move(
    work: Work,
    customer_id: str,
    amount: int,
    kind: str,
    *,
    currency: str,
    **about: Any,
) -> Obj:
    """One transaction of the balance: below zero gives credit. `kind` is Stripe's `type`. Emits customer.updated.

    `about`: invoice, credit_note, description, metadata. Fixes the customer's currency when it has none yet.
    """
    customer = work.edit("customer", customer_id)
    before = copied(customer)
    transaction = _moved(work, customer, amount, kind, currency, **about)
    work.emit_updated("customer.updated", before, customer)
    return transaction


def set_to(work: Work, customer_id: str, balance: int, kind: str) -> None:
    """The `balance` parameter of customers: moves the balance to it, in the account's currency without another.

    Says nothing: the customer's own verb announces the change.
    """
    customer = work.edit("customer", customer_id)
    currency = customer["currency"] or "usd"
    if balance != customer["balance"]:
        amount = whole_amount(balance, currency, param="balance") - customer["balance"]
        _moved(work, customer, amount, kind, currency)


def create(work: Work, params: Obj, customer_id: str) -> Obj:
    """POST /v1/customers/{id}/balance_transactions, an adjustment; the currency is the customer's."""
    customer = work.edit("customer", customer_id)
    currency = currency_code(params["currency"])
    if customer["currency"] not in (None, currency):
        raise InvalidRequest(
            f"The customer's balance is in {customer['currency']}; it cannot be changed in {currency}.",
            param="currency",
        )
    amount = whole_amount(params["amount"], currency, param="amount")
    return move(
        work,
        customer_id,
        amount,
        "adjustment",
        currency=currency,
        description=params.get("description"),
        metadata=new_metadata(params.get("metadata")),
    )


def retrieve(work: Work, _params: Obj, customer_id: str, transaction_id: str) -> Obj:
    """GET /v1/customers/{id}/balance_transactions/{id}."""
    _check_owner(work, customer_id, transaction_id)
    return work.read(KIND, transaction_id)


def update(work: Work, params: Obj, customer_id: str, transaction_id: str) -> Obj:
    """POST /v1/customers/{id}/balance_transactions/{id}: description and metadata; amounts never change."""
    _check_owner(work, customer_id, transaction_id)
    transaction = work.edit(KIND, transaction_id)
    if "description" in params:
        transaction["description"] = params["description"]
    transaction["metadata"] = merged_metadata(transaction["metadata"], params.get("metadata"))
    return transaction


def listing(work: Work, params: Obj, customer_id: str) -> Iterator[Obj]:
    """GET /v1/customers/{id}/balance_transactions."""
    work.edit("customer", customer_id)
    return where(work.all(KIND), {**params, "customer": customer_id}, "customer", "invoice")


def _moved(work: Work, customer: Obj, amount: int, kind: str, currency: str, **about: Any) -> Obj:
    customer["currency"] = customer["currency"] or currency
    customer["balance"] += amount
    return work.add(
        KIND,
        {
            "id": work.new_id("cbtxn"),
            "object": KIND,
            "amount": amount,
            "checkout_session": None,
            "created": work.now,
            "credit_note": None,
            "currency": currency,
            "customer": customer["id"],
            "customer_account": None,
            "description": None,
            "ending_balance": customer["balance"],
            "invoice": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
            **about,
        },
    )


def _check_owner(work: Work, customer_id: str, transaction_id: str) -> None:
    work.edit("customer", customer_id)
    found = work.find(KIND, transaction_id)
    if found is None or found["customer"] != customer_id:
        raise ResourceMissing(KIND, transaction_id)
