"""The body of a credit note: every key that the contract requires."""

from collections.abc import Iterable, Sequence
from typing import Any

from .credit_note_lines import Credited
from .fields import absent, list_object, new_metadata
from .work import Obj, Work


def note_body(
    work: Work,
    invoice: Obj,
    params: Obj,
    credited: Sequence[Credited],
    *,
    pre_payment: int,
    linked: list[Obj],
    sequence: int,
) -> Obj:
    """A note over these lines, amounts in minor units; `pre_payment` lowers the invoice, the rest goes back."""
    note_id = work.new_id("cn")
    lines = [line.body for line in credited]
    total = sum(line.total for line in credited)
    return {
        **absent("customer_account", "customer_balance_transaction", "shipping_cost", "voided_at"),
        **_sums(lines, total),
        "id": note_id,
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": work.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "effective_at": params.get("effective_at", work.now),
        "invoice": invoice["id"],
        "lines": list_object(lines, f"/v1/credit_notes/{note_id}/lines"),
        "livemode": False,
        "memo": params.get("memo"),
        "metadata": new_metadata(params.get("metadata")),
        "number": f"{invoice['number']}-CN-{sequence:02d}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"{work.public_url}/credit_note/{note_id}/pdf",
        "post_payment_amount": total - pre_payment,
        "pre_payment_amount": pre_payment,
        "reason": params.get("reason"),
        "refunds": linked,
        "status": "issued",
        "type": _type(pre_payment, total - pre_payment),
    }


def refund_link(refund_id: str, amount: int) -> Obj:
    """A refund as its note shows it, with what of it the note is for."""
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund_id, "type": "refund"}


def _sums(lines: list[Obj], total: int) -> Obj:
    own = sum(line.get("_", {}).get("own_discounts", 0) for line in lines)
    subtotal = sum(line["amount"] for line in lines) - own
    taxes = [tax for line in lines for tax in line["taxes"]]
    inside = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    discounts = _discounts(lines)
    return {
        "discount_amount": sum(line["discount_amount"] for line in lines),
        "discount_amounts": discounts,
        "pretax_credit_amounts": [{**each, "type": "discount"} for each in discounts],
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inside,
        "total": total,
        "total_excluding_tax": total - sum(tax["amount"] for tax in taxes),
        "total_taxes": _taxes(taxes),
    }


def _discounts(lines: list[Obj]) -> list[Obj]:
    found: dict[str, int] = {}
    for line in lines:
        for each in line["discount_amounts"]:
            found[each["discount"]] = found.get(each["discount"], 0) + each["amount"]
    return [{"amount": amount, "discount": discount_id} for discount_id, amount in found.items()]


def _taxes(taxes: Iterable[Any]) -> list[Obj]:
    found: dict[str, Obj] = {}
    for tax in taxes:
        rate = tax["tax_rate_details"]["tax_rate"]
        so_far = found.get(rate)
        if so_far is None:
            found[rate] = {**tax}
        else:
            so_far["amount"] += tax["amount"]
            so_far["taxable_amount"] += tax["taxable_amount"]
    return list(found.values())


def _type(pre_payment: int, post_payment: int) -> str:
    if pre_payment and post_payment:
        return "mixed"
    return "pre_payment" if pre_payment else "post_payment"
