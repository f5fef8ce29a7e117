"""The PDF files of invoices and credit notes, laid out as letters and marked as tests."""

from typing import Any

from werkzeug.wrappers import Request, Response

from ..engine import credit_notes, hosted_invoices
from ..engine.account import EMAIL, NAME
from ..engine.work import Obj, Work
from ..world import World
from . import credit_note_view, invoice_view
from .pdf import as_pdf
from .texts import Words


def invoice(world: World, request: Request, invoice_id: str) -> Response:
    """GET /invoice/{id}/pdf: a finalized invoice as it stands; 503 where no PDF can be made."""
    with world.store.transaction() as work:
        found = invoice_view.issued(work, invoice_id)
        words = invoice_view.words_of(work, found["customer"], request)
        paper = _invoice(work, found, words)
    return as_pdf(words, f"Invoice-{found['number']}", paper)


def credit_note(world: World, request: Request, note_id: str) -> Response:
    """GET /credit_note/{id}/pdf: what was credited; 503 where no PDF can be made."""
    with world.store.transaction() as work:
        note = work.read(credit_notes.KIND, note_id)
        words = invoice_view.words_of(work, note["customer"], request)
        paper = _credit_note(work, note, words)
    return as_pdf(words, f"Credit-Note-{note['number']}", paper)


def _invoice(work: Work, found: Obj, words: Words) -> dict[str, Any]:
    """What the paper of an invoice says, in the order of its template."""
    state, paid_at = invoice_view.state(work, found), found["status_transitions"]["paid_at"]
    facts = [
        (words("number_of_invoice"), found["number"]),
        (words("issued_on"), words.date(found["effective_at"] or found["created"])),
    ]
    if found["due_date"] is not None:
        facts.append((words("due_date"), words.date(found["due_date"])))
    if paid_at is not None:
        facts.append((words("paid_date"), words.date(paid_at)))
    if (paid_with := invoice_view.paid_with(work, found, words)) is not None:
        facts.append((words("paid_with"), paid_with))
    facts += [(own["name"], own["value"]) for own in found["custom_fields"] or ()]
    payable = hosted_invoices.is_payable(work, found)
    return {
        "title": words("invoice"),
        "facts": facts,
        "seller": [NAME, EMAIL],
        "payer": invoice_view.payer(found),
        "headline": _headline(found, state, words),
        "remark": words(f"{state}_text") if state in ("void", "processing") else None,
        "link": found["hosted_invoice_url"] if payable else None,
        "text": found["description"],
        "lines": invoice_view.lines(work, found, words),
        "sums": invoice_view.sums(work, found, words),
        "footer": found["footer"],
    }


def _headline(found: Obj, state: str, words: Words) -> str:
    if state == "void":
        return f"{words.money(found['total'], found['currency'])} · {words('status_void')}"
    if state == "paid":
        amount = words.money(found["total"], found["currency"])
        return words("headline_paid", amount=amount, date=words.date(found["status_transitions"]["paid_at"]))
    amount = words.money(found["amount_remaining"], found["currency"])
    if found["due_date"] is None:
        return words("headline_open", amount=amount)
    return words("headline_due", amount=amount, date=words.date(found["due_date"]))


def _credit_note(work: Work, note: Obj, words: Words) -> dict[str, Any]:
    credited = work.read("invoice", note["invoice"])
    return {
        "title": words("credit_note"),
        "facts": [
            (words("number_of_note"), note["number"]),
            (words("for_invoice"), credited["number"]),
            (words("issued_on"), words.date(note["effective_at"])),
        ],
        "seller": [NAME, EMAIL],
        "payer": invoice_view.payer(credited),
        "headline": words("headline_credited", amount=words.money(note["amount"], note["currency"])),
        "remark": words("note_void") if note["status"] == "void" else None,
        "link": None,
        "text": note["memo"],
        "lines": credit_note_view.lines(work, note, words),
        "sums": credit_note_view.sums(note, words),
        "footer": None,
    }
