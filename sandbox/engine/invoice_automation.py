"""What invoices do by themselves: being finalized, collected, sent; tried again; becoming overdue.

A draft is finalized one hour after it was made (Stripe: about an hour after a 2xx to invoice.created; here
always one hour) and collected at once. An invoice that a request finalized is collected one hour later.
"""

from ..errors import InvalidRequest, modelled
from . import account_settings, agenda, collection, dunning, invoices, standing
from .periods import DAY
from .work import Obj, Work, copied

HOUR = 3600


def finalize_due(work: Work, invoice_id: str) -> None:
    """The agenda's: a draft whose hour is over."""
    invoice = work.read(invoices.KIND, invoice_id)
    if invoice["status"] == "draft" and invoices.finalize_by_itself(work, invoice_id):
        advance(work, invoice_id)


def advance(work: Work, invoice_id: str) -> None:
    """An invoice that has just been finalized is paid, sent or collected, as far as it advances by itself."""
    invoice = work.edit(invoices.KIND, invoice_id)
    if invoice["amount_due"] == 0:
        collection.settle(work, invoice_id)
    elif invoice["collection_method"] == "send_invoice":
        wait_for_payment(work, invoice)
        if invoice["auto_advance"]:
            work.emit("invoice.sent", invoice)
    elif invoice["auto_advance"]:
        attempt(work, invoice_id)


def attempt(work: Work, invoice_id: str) -> None:
    """A try by schedule, the first or a later one; the agenda's `invoice.pay`."""
    invoice = work.edit(invoices.KIND, invoice_id)
    if invoice["status"] != "open" or not invoice["auto_advance"]:
        return
    first = invoice["attempt_count"] == 0
    dunning.count_retry(invoice)
    method_id = collection.method_of(work, invoice)
    if method_id is not None and not dunning.is_futile(invoice, method_id):
        collection.collect(work, invoice_id, method_id, automatic=True)
    elif first:
        collection.fail(work, invoice_id, automatic=True)
    else:
        _skip(work, invoice)


def finalize(work: Work, params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/finalize of a draft; with `auto_advance` it is collected an hour later."""
    modelled(params, {"auto_advance"}, "finalizing an invoice")
    invoice = work.edit(invoices.KIND, invoice_id)
    if invoice["status"] != "draft":
        raise InvalidRequest("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
    invoices.finalize(work, invoice_id)
    if invoice["amount_due"] == 0 or invoice["collection_method"] == "send_invoice":
        advance(work, invoice_id)
    elif invoice["auto_advance"]:
        collect_later(work, invoice)
    return work.edit(invoices.KIND, invoice_id)


def send(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/send: invoice.sent, and no mail, as in Stripe's test mode. A draft is finalized before.

    InvalidRequest for an invoice that is charged automatically, or void or uncollectible.
    """
    invoice = work.edit(invoices.KIND, invoice_id)
    if invoice["collection_method"] != "send_invoice":
        raise InvalidRequest(
            "You can only manually send an invoice if its collection method is 'send_invoice'.",
        )
    if invoice["status"] not in ("draft", "open", "paid"):
        raise InvalidRequest(f"This invoice can't be sent because its status is {invoice['status']}.")
    if invoice["status"] == "draft":
        invoices.finalize(work, invoice_id)
        if invoice["amount_due"] == 0:
            collection.settle(work, invoice_id)
        else:
            wait_for_payment(work, invoice)
    work.emit("invoice.sent", invoice)
    return invoice


def collect_later(work: Work, invoice: Obj) -> None:
    """Puts the first try of an open invoice an hour ahead."""
    before = copied(invoice)
    invoice["next_payment_attempt"] = work.now + HOUR
    agenda.put(work, "invoice.pay", invoice["id"], work.now + HOUR)
    work.emit_updated("invoice.updated", before, invoice)


def wait_for_payment(work: Work, invoice: Obj) -> None:
    """Puts the due date of an open invoice, and its announcement when that lies ahead, on the agenda."""
    due = invoice["due_date"]
    if due is None:
        return
    agenda.put(work, "invoice.overdue", invoice["id"], due)
    announced = due - account_settings.current(work)["will_be_due_days"] * DAY
    if announced > work.now:
        agenda.put(work, "invoice.will_be_due", invoice["id"], announced)


def will_be_due(work: Work, invoice_id: str) -> None:
    """The agenda's: some days before the due date."""
    invoice = work.read(invoices.KIND, invoice_id)
    if invoice["status"] == "open":
        work.emit("invoice.will_be_due", invoice)


def overdue(work: Work, invoice_id: str) -> None:
    """The agenda's: the due date of an open invoice has passed; its subscription is past_due."""
    invoice = work.read(invoices.KIND, invoice_id)
    if invoice["status"] == "open":
        work.emit("invoice.overdue", invoice)
        standing.failed(work, invoice)


def _skip(work: Work, invoice: Obj) -> None:
    """A retry that charges nothing, because the method is missing or was declined for good; it is counted."""
    before = copied(invoice)
    invoice.update(attempt_count=invoice["attempt_count"] + 1, next_payment_attempt=dunning.next_attempt(work, invoice))
    work.emit_updated("invoice.updated", before, invoice)
    if invoice["next_payment_attempt"] is None:
        standing.given_up(work, invoice)
