"""Credit notes: a finalized invoice is lowered, or money that was paid for it goes back.

A note first takes what remains to be paid (pre-payment); the rest (post-payment) is refunded, credited to the
customer's balance or given back outside of Stripe. Notes and refunds together never exceed the invoice
(the SDK on CreditNotes.create). How the lines come about is in credit_note_lines.py.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import InvalidRequest, modelled
from . import (
    charges,
    credit_note_body,
    credit_note_lines,
    customer_balance,
    invoice_payments,
    invoices,
    payment_intents,
    refunds,
    standing,
)
from .credit_note_lines import Credited
from .fields import merged_metadata, where
from .money import formatted
from .work import Obj, Work, copied

KIND = "credit_note"
_KNOWN = {
    "amount", "credit_amount", "effective_at", "email_type", "invoice", "lines", "memo", "metadata",
    "out_of_band_amount", "reason", "refund_amount", "refunds",
}  # fmt: skip
_PAGES = ("ending_before", "limit", "starting_after")
_WAYS = ("credit_amount", "out_of_band_amount", "refund_amount")


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/credit_notes for an `invoice`, by `lines` or `amount` (minor units, with tax).

    InvalidRequest: a draft or void invoice, more than can be credited, ways back that do not add up. Emits
    credit_note.created and invoice.updated; an invoice of which nothing remains is paid.
    """
    note = work.add(KIND, _planned(work, params))
    invoice = work.edit(invoices.KIND, note["invoice"])
    if params.get("refund_amount"):
        charge_id = str(_charge(work, invoice["id"]))
        refund = refunds.issue(work, charge_id, params["refund_amount"], reason=_reason(params))
        note["refunds"].append(credit_note_body.refund_link(refund["id"], refund["amount"]))
    if params.get("credit_amount"):
        moved = customer_balance.move(
            work,
            note["customer"],
            -params["credit_amount"],
            "credit_note",
            currency=note["currency"],
            credit_note=note["id"],
        )
        note["customer_balance_transaction"] = moved["id"]
    work.emit("credit_note.created", note)
    before = copied(invoice)
    invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
    _lower(work, invoice, note["pre_payment_amount"])
    work.emit_updated("invoice.updated", before, invoice)
    if note["pre_payment_amount"] and invoice["amount_remaining"] == 0:
        standing.settled(work, invoices.mark_paid(work, invoice["id"], invoice["amount_paid"]))
    return note


def preview(work: Work, params: Obj) -> Obj:
    """GET /v1/credit_notes/preview: the note that `create` would make; nothing is kept."""
    return _planned(work, params)


def preview_lines(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/credit_notes/preview/lines; their ids are the same each time, so that pages go on."""
    given = {name: value for name, value in params.items() if name not in _PAGES}
    for number, line in enumerate(_planned(work, given)["lines"]["data"]):
        yield {**line, "id": f"cnli_preview{number}_{params['invoice']}"}


def update(work: Work, params: Obj, note_id: str) -> Obj:
    """POST /v1/credit_notes/{id}: memo and metadata. Emits credit_note.updated."""
    note = work.edit(KIND, note_id)
    before = copied(note)
    if "memo" in params:
        note["memo"] = params["memo"]
    note["metadata"] = merged_metadata(note["metadata"], params.get("metadata"))
    work.emit_updated("credit_note.updated", before, note)
    return note


def void(work: Work, _params: Obj, note_id: str) -> Obj:
    """POST /v1/credit_notes/{id}/void while its invoice is open: what it took is due again.

    Emits credit_note.voided and invoice.updated.
    """
    note = work.edit(KIND, note_id)
    invoice = work.edit(invoices.KIND, note["invoice"])
    if note["status"] == "void":
        raise InvalidRequest("This credit note has already been voided.")
    if invoice["status"] not in ("open", "uncollectible") or note["post_payment_amount"]:
        raise InvalidRequest("You can only void a credit note while its invoice is open.")
    _check_not_processing(work, invoice["id"])
    note.update(status="void", voided_at=work.now)
    work.emit("credit_note.voided", note)
    before = copied(invoice)
    _lower(work, invoice, -note["pre_payment_amount"])
    work.emit_updated("invoice.updated", before, invoice)
    return note


def retrieve(work: Work, _params: Obj, note_id: str) -> Obj:
    """GET /v1/credit_notes/{id}."""
    return work.read(KIND, note_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/credit_notes."""
    return where(work.all(KIND), params, "customer", "invoice")


def lines(work: Work, _params: Obj, note_id: str) -> Iterator[Obj]:
    """GET /v1/credit_notes/{id}/lines, in the note's order."""
    return iter(work.read(KIND, note_id)["lines"]["data"])


def creditable(work: Work, invoice: Obj, notes: Sequence[Obj]) -> int:
    """What of an invoice is neither credited nor refunded yet (minor units)."""
    credited: int = sum(note["amount"] for note in notes)
    return int(invoice["total"]) - credited - _refunded_apart(work, invoice, notes)


def _planned(work: Work, params: Obj) -> Obj:
    """The note of a request, checked, with nothing done yet."""
    modelled(params, _KNOWN, "credit notes")
    invoice = work.read(invoices.KIND, params["invoice"], param="invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise InvalidRequest(
            f"Credit notes are for finalized invoices; this one is {invoice['status']}.", param="invoice"
        )
    every = [note for note in work.all(KIND) if note["invoice"] == invoice["id"]]
    notes = [note for note in every if note["status"] == "issued"]
    linked = _linked(work, invoice, notes, params.get("refunds", []))
    most = creditable(work, invoice, notes) + sum(link["amount_refunded"] for link in linked)
    credited = _lines(work, invoice, notes, params, most)
    total = sum(line.total for line in credited)
    if total > most:
        raise _too_much(total, most, invoice["currency"], "lines")
    before_payment = min(total, invoice["amount_remaining"])
    if before_payment:
        _check_not_processing(work, invoice["id"])
    _check_ways(work, invoice, params, linked, total - before_payment)
    return credit_note_body.note_body(
        work, invoice, params, credited, pre_payment=before_payment, linked=linked, sequence=len(every) + 1
    )


def _lines(work: Work, invoice: Obj, notes: Sequence[Obj], params: Obj, most: int) -> list[Credited]:
    amount = params.get("amount")
    if params.get("lines"):
        found = credit_note_lines.of_request(work, invoice, notes, params["lines"])
        if amount not in (None, sum(line.total for line in found)):
            raise InvalidRequest("The `amount` is not what the lines add up to.", param="amount")
        return found
    if amount is None:
        raise InvalidRequest("You must give `amount` or `lines`.", code="parameter_missing", param="amount")
    if amount < 1:
        raise InvalidRequest(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > most:
        raise _too_much(amount, most, invoice["currency"], "amount")
    return credit_note_lines.of_amount(work, invoice, notes, amount)


def _too_much(wanted: int, most: int, currency: str, param: str) -> InvalidRequest:
    return InvalidRequest(
        f"The credit note amount ({formatted(wanted, currency)}) is more than what can still be credited of this "
        f"invoice ({formatted(max(most, 0), currency)}).",
        param=param,
    )


def _check_ways(work: Work, invoice: Obj, params: Obj, linked: list[Obj], wanted: int) -> None:
    """The money that goes back has to go somewhere, and a refund takes what is left of the charge."""
    for name in _WAYS:
        if params.get(name, 0) < 0:
            raise InvalidRequest("Amounts of credit notes are positive.", param=name)
    given = sum(params.get(name, 0) for name in _WAYS) + sum(link["amount_refunded"] for link in linked)
    if given != wanted:
        currency = invoice["currency"]
        raise InvalidRequest(
            f"The sum of credit amount, refund amount and out of band amount ({formatted(given, currency)}) must equal "
            f"the credit note amount ({formatted(wanted, currency)})."
        )
    refund = params.get("refund_amount", 0)
    if not refund:
        return
    charge_id = _charge(work, invoice["id"])
    if charge_id is None:
        raise InvalidRequest("This invoice has no charge that can be refunded.", param="refund_amount")
    charge = work.read(charges.KIND, charge_id)
    refunds.check_refundable(work, charge, "refund_amount")
    if refund > refunds.left_of(charge):
        raise InvalidRequest(
            f"The refund amount ({formatted(refund, charge['currency'])}) is more than what is left of the charge "
            f"({formatted(refunds.left_of(charge), charge['currency'])}).",
            param="refund_amount",
        )


def _linked(work: Work, invoice: Obj, notes: Sequence[Obj], given: list[Obj]) -> list[Obj]:
    """Refunds made before that the note is for, as it shows them."""
    links: list[Obj] = []
    for index, wanted in enumerate(given):
        param = f"refunds[{index}]"
        modelled(wanted, {"amount_refunded", "refund", "type"}, "refunds of credit notes")
        refund = work.read(refunds.KIND, wanted.get("refund", ""), param=f"{param}[refund]")
        if refund["charge"] != _charge(work, invoice["id"]) or refund["status"] in ("failed", "canceled"):
            raise InvalidRequest("This refund is not one of the invoice's charge.", param=f"{param}[refund]")
        left = refund["amount"] - _linked_amount(refund["id"], [*notes, {"refunds": links}])
        amount = wanted.get("amount_refunded", left)
        if not 0 < amount <= left:
            raise InvalidRequest(
                f"Of this refund, {formatted(left, refund['currency'])} belongs to no credit note yet.",
                param=f"{param}[amount_refunded]",
            )
        links.append(credit_note_body.refund_link(refund["id"], amount))
    return links


def _linked_amount(refund_id: str, notes: Sequence[Any]) -> int:
    found = (link for note in notes for link in note["refunds"] if link["refund"] == refund_id)
    return sum(int(link["amount_refunded"]) for link in found)


def _refunded_apart(work: Work, invoice: Obj, notes: Sequence[Obj]) -> int:
    """What was refunded of the invoice's charge without a credit note."""
    charge_id = _charge(work, invoice["id"])
    if charge_id is None:
        return 0
    apart: int = sum(
        refund["amount"] - _linked_amount(refund["id"], notes)
        for refund in work.all(refunds.KIND)
        if refund["charge"] == charge_id and refund["status"] not in ("failed", "canceled")
    )
    return apart


def _charge(work: Work, invoice_id: str) -> str | None:
    payment = invoice_payments.of(work, invoice_id)
    if payment is None or payment["status"] != "paid" or payment["payment"]["type"] != "payment_intent":
        return None
    charge_id: str | None = work.read(payment_intents.KIND, payment["payment"]["payment_intent"])["latest_charge"]
    return charge_id


def _check_not_processing(work: Work, invoice_id: str) -> None:
    payment = invoice_payments.of(work, invoice_id)
    if payment is None or payment["status"] != "open":
        return
    intent = work.read(payment_intents.KIND, payment["payment"]["payment_intent"])
    if intent["status"] == "processing":
        raise InvalidRequest("This invoice is being paid: its payment is processing.", param="invoice")


def _lower(work: Work, invoice: Obj, amount: int) -> None:
    """Takes an amount off what remains to be paid, of the invoice and of its payment; below zero puts it back."""
    invoice["amount_due"] -= amount
    invoice["amount_remaining"] -= amount
    invoice["pre_payment_credit_notes_amount"] += amount
    payment = invoice_payments.of(work, invoice["id"])
    if amount == 0 or payment is None or payment["status"] != "open":
        return
    intent_id = payment["payment"]["payment_intent"]
    if invoice["amount_remaining"] == 0:
        invoice_payments.cancel(work, payment["id"])
        payment_intents.cancel(work, intent_id, "automatic")
    else:
        work.edit(invoice_payments.KIND, payment["id"])["amount_requested"] = invoice["amount_remaining"]
        work.edit(payment_intents.KIND, intent_id)["amount"] = invoice["amount_remaining"]


def _reason(params: Obj) -> str | None:
    reason: str | None = params.get("reason")
    return reason if reason in ("duplicate", "fraudulent") else None
