"""Who bills whom, as an invoice says it: the customer as it is, until the invoice is finalized.

Source: the SDK on Invoice.customer_address, customer_email, customer_name, customer_phone, customer_shipping,
customer_tax_exempt and customer_tax_ids ("until the invoice is finalized, this field will equal …").
"""

from .account import COUNTRY, NAME
from .work import Obj, Work, copied


def of(work: Work, customer: Obj) -> Obj:
    """The fields of an invoice that name the account and the customer."""
    return {
        "account_country": COUNTRY,
        "account_name": NAME,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": copied(customer["address"]),
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": copied(customer["shipping"]),
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": tax_ids(work, customer["id"]),
    }


def tax_ids(work: Work, customer_id: str) -> list[Obj]:
    """What an invoice says of the customer's tax ids, the oldest first."""
    own = [each for each in work.all("tax_id") if each["customer"] == customer_id]
    return [{"type": each["type"], "value": each["value"]} for each in own[::-1]]


def print_on_drafts(work: Work, customer_id: str) -> None:
    """Has the customer's drafts say what is so now."""
    fields = of(work, work.read("customer", customer_id))
    for invoice in list(work.all("invoice")):
        if invoice["customer"] == customer_id and invoice["status"] == "draft":
            work.edit("invoice", invoice["id"]).update(copied(fields))
