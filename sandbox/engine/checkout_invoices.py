"""The invoice that a one-time payment gets (`invoice_creation`): paid already, by the payment of the session."""

from decimal import Decimal

from . import collection, discounts, invoice_items, invoices
from .invoice_body import Draft
from .invoice_item_terms import priced_terms
from .invoice_lines import blank_line
from .pricing import terms_in
from .work import Obj, Work, copied


def invoice_for(work: Work, session: Obj) -> Obj:
    """Makes and finalizes the invoice of a session that has just been paid; it has the session's amounts.

    A payment that takes days leaves it open until then.
    """
    data = session["invoice_creation"]["invoice_data"]
    invoice_id = work.new_id("in")
    draft = Draft(
        id=invoice_id,
        customer=work.read("customer", session["customer"]),
        currency=session["currency"],
        reason="manual",
        lines=[_line(work, invoice_id, item) for item in session["_"]["items"] if item["quantity"]],
        auto_advance=False,
        terms={
            "custom_fields": copied(data["custom_fields"]),
            "description": data["description"],
            "discounts": _discounts(work, session),
            "footer": data["footer"],
            "metadata": dict(data["metadata"]),
            "rendering": _rendering(data["rendering_options"]),
            "_": {"days_until_due": None, "apart_from_balance": True},
        },
    )
    invoices.draft(work, draft)
    intent_id = session["payment_intent"]
    invoices.finalize(work, invoice_id, intent_id)
    if intent_id is None or work.read("payment_intent", intent_id)["status"] == "succeeded":
        collection.settle(work, invoice_id)
    return work.edit(invoices.KIND, invoice_id)


def _rendering(options: Obj | None) -> Obj | None:
    if options is None:
        return None
    return {**options, "pdf": None, "template_version": None}


def items_paid_once(work: Work, session: Obj) -> list[str]:
    """The invoice items for what is bought once beside a subscription: the first invoice takes them."""
    customer = work.edit("customer", session["customer"])
    made = []
    for item in session["_"]["items"]:
        if item["price"]["recurring"] is None and item["quantity"]:
            # The shop may have archived the price since; it is sold as it was offered.
            price = work.read("price", item["price"]["id"])
            terms = priced_terms(work, price, Decimal(item["quantity"]), item["currency"])
            rates = [rate["id"] for rate in item["_"]["tax_rates"]]
            more = {"metadata": dict(item["metadata"]), "tax_rates": rates}
            made.append(str(invoice_items.add(work, customer, terms, more)["id"]))
    return made


def _discounts(work: Work, session: Obj) -> list[str]:
    """The discount that was redeemed for the session."""
    return [each["id"] for each in work.all(discounts.KIND) if each["checkout_session"] == session["id"]]


def _line(work: Work, invoice_id: str, item: Obj) -> Obj:
    price = item["price"]
    return {
        **blank_line(work, invoice_id, item["currency"], item["amount_subtotal"]),
        "description": item["description"],
        "metadata": dict(item["metadata"]),
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": terms_in(price, item["currency"])["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "_": {"tax_rates": copied(item["_"]["tax_rates"])},
    }
