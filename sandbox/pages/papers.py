"""The papers that Stripe hosts beside invoices: credit notes and mandates."""

from werkzeug.wrappers import Request, Response

from ..engine import credit_notes, mandates
from ..engine.account import NAME
from ..world import World
from . import credit_note_view
from .invoice_view import words_of
from .rendering import page


def credit_note(world: World, request: Request, note_id: str) -> Response:
    """GET /credit_note/{id}: what was credited, and where the money went."""
    with world.store.transaction() as work:
        note = work.read(credit_notes.KIND, note_id)
        invoice = work.read("invoice", note["invoice"])
        words = words_of(work, note["customer"], request)
        sums = credit_note_view.sums(note, words)
    return page("credit_note.html", words, merchant=NAME, note=note, invoice=invoice, sums=sums)


def mandate(world: World, request: Request, mandate_id: str) -> Response:
    """GET /mandate/{id}: what the payer allowed."""
    with world.store.transaction() as work:
        found = work.read(mandates.KIND, mandate_id)
        method = work.read("payment_method", found["payment_method"])
        words = words_of(work, method["customer"], request)
    reference = found["payment_method_details"].get("sepa_debit", {}).get("reference", mandate_id)
    return page("mandate.html", words, merchant=NAME, mandate=found, method=words.method(method), reference=reference)
