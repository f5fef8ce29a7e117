"""What an invoice adds up to: its lines, then the customer's balance.

`total` may be negative; what is not collected of it goes to the customer's balance when the invoice is finalized
(customer_balance.py).
"""

from . import customer_balance
from .work import Obj, Work


def add_up(work: Work, invoice: Obj) -> None:
    """Sets the amounts of a draft (minor units) from its lines and the balance as it is now."""
    total = sum(line["amount"] for line in invoice["lines"]["data"])
    balance = work.read("customer", invoice["customer"])["balance"]
    due = customer_balance.settle(total, balance, invoice["currency"]).due
    invoice.update(
        amount_due=due,
        amount_remaining=due,
        starting_balance=balance,
        subtotal=total,
        subtotal_excluding_tax=total,
        total=total,
        total_excluding_tax=total,
    )
