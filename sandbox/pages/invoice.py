"""The hosted invoice page."""

from werkzeug.wrappers import Request, Response

from ..engine import invoices
from ..engine.account import NAME
from ..engine.work import Obj, Work
from ..world import World
from .rendering import page
from .texts import words_for


def show(world: World, request: Request, invoice_id: str) -> Response:
    """GET /invoice/{id}: amount, lines, status."""
    invoice, locale = world.store.run(_invoice, invoice_id)
    words = words_for(locale, request.accept_languages)
    return page("invoice.html", words, invoice=invoice, merchant=NAME)


def _invoice(work: Work, invoice_id: str) -> tuple[Obj, str | None]:
    invoice = work.read(invoices.KIND, invoice_id)
    customer = work.read("customer", invoice["customer"])
    locales = customer.get("preferred_locales") or [None]
    return invoice, locales[0]
