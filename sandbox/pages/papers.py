"""The papers that Stripe hosts beside invoices: credit notes and mandates."""

from werkzeug.wrappers import Request, Response

from ..engine import credit_notes, mandates
from ..engine.account import NAME
from ..engine.work import Obj, Work
from ..world import World
from .rendering import page
from .texts import Words, words_for


def credit_note(world: World, request: Request, note_id: str) -> Response:
    """GET /credit_note/{id}: what was credited, and where the money went."""
    with world.store.transaction() as work:
        note = work.read(credit_notes.KIND, note_id)
        invoice = work.read("invoice", note["invoice"])
        words = words_for(_locale(work, note["customer"]), request.accept_languages)
        sums = _sums(note, words)
    return page("credit_note.html", words, merchant=NAME, note=note, invoice=invoice, sums=sums)


def mandate(world: World, request: Request, mandate_id: str) -> Response:
    """GET /mandate/{id}: what the payer allowed."""
    with world.store.transaction() as work:
        found = work.read(mandates.KIND, mandate_id)
        method = work.read("payment_method", found["payment_method"])
        words = words_for(_locale(work, method["customer"]), request.accept_languages)
    reference = found["payment_method_details"].get("sepa_debit", {}).get("reference", mandate_id)
    return page("mandate.html", words, merchant=NAME, mandate=found, method=words.method(method), reference=reference)


def _locale(work: Work, customer_id: str | None) -> str | None:
    customer = work.find("customer", customer_id or "") or {}
    locales: list[str | None] = customer.get("preferred_locales") or [None]
    return locales[0]


def _sums(note: Obj, words: Words) -> list[tuple[str, str, bool]]:
    """The lines under a note: discount, taxes, the total, and what became of it."""
    exclusive = [tax for tax in note["total_taxes"] if tax["tax_behavior"] == "exclusive"]
    refunded = sum(each["amount_refunded"] for each in note["refunds"])
    elsewhere = note["out_of_band_amount"] or 0
    found = [
        ("note_discount", -note["discount_amount"], False),
        *(("note_tax", tax["amount"], False) for tax in exclusive),
        ("note_total", note["amount"], True),
        ("note_lowered", note["pre_payment_amount"], False),
        ("note_refunded", refunded, False),
        ("note_balance", note["post_payment_amount"] - refunded - elsewhere, False),
        ("note_elsewhere", elsewhere, False),
    ]
    return [(words(key), words.money(amount, note["currency"]), strong) for key, amount, strong in found if amount]
