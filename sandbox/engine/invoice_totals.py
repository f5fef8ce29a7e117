"""What an invoice adds up to: its lines with their discounts and taxes, then the customer's balance.

`total` may be negative; what is not collected of it goes to the customer's balance when the invoice is finalized
(customer_balance.py).
"""

from . import customer_balance, invoice_figures
from .work import Obj, Work


def add_up(work: Work, invoice: Obj) -> None:
    """Sets the amounts of a draft (minor units) from its lines, its discounts, its taxes and the balance as it is."""
    figures = invoice_figures.fill_in(work, invoice)
    balance = customer_balance.open_to(work, invoice)
    due = customer_balance.settle(figures.total, balance, invoice["currency"]).due
    invoice.update(
        amount_due=due,
        amount_remaining=due,
        starting_balance=balance,
        subtotal=figures.subtotal,
        subtotal_excluding_tax=figures.subtotal_excluding_tax,
        total=figures.total,
        total_excluding_tax=figures.total_excluding_tax,
    )
