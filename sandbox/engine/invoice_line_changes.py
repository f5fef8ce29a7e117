"""Lines of a draft that are added, changed and removed through the invoice. Each bills an invoice item, which changes
with it.

Lines that bill a subscription's items are the subscription's: they are not changed here. Sources: the SDK on
Invoices.addLines, updateLines, removeLines and updateLineItem.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import InvalidRequest, NotModelled, ResourceMissing, modelled
from . import invoice_items
from .fields import merged_metadata
from .work import Obj, Work, copied

_MANY = {"invoice_metadata", "lines"}
_LINE = {
    "amount", "description", "discountable", "discounts", "metadata", "period", "price_data", "pricing", "quantity",
    "quantity_decimal", "tax_rates",
}  # fmt: skip


def add(work: Work, params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/add_lines: new ones, or pending items of the customer by `invoice_item`."""
    modelled(params, _MANY, "adding lines to an invoice")
    invoice_items.draft(work, invoice_id)
    for index, line in enumerate(params["lines"]):
        with _path(f"lines[{index}]"):
            modelled(line, _LINE | {"invoice_item"}, "lines of an invoice")
            if "invoice_item" in line:
                _take(work, line, invoice_id)
            else:
                invoice_items.create(work, {**line, "invoice": invoice_id})
    return _with_metadata(work, params, invoice_id)


def update(work: Work, params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/update_lines: several at once, each by its `id`."""
    modelled(params, _MANY, "updating lines of an invoice")
    invoice_items.draft(work, invoice_id)
    for index, line in enumerate(params["lines"]):
        with _path(f"lines[{index}]"):
            item_id = _item_of(work, invoice_id, line["id"], param="id")
            _change(work, {name: value for name, value in line.items() if name != "id"}, item_id)
    return _with_metadata(work, params, invoice_id)


def update_one(work: Work, params: Obj, invoice_id: str, line_id: str) -> Obj:
    """POST /v1/invoices/{id}/lines/{id}: the line."""
    invoice_items.draft(work, invoice_id)
    _change(work, params, _item_of(work, invoice_id, line_id))
    return _line(work, invoice_id, line_id)


def remove(work: Work, params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/remove_lines: `delete` their items too, or `unassign` these, which then are pending."""
    modelled(params, _MANY, "removing lines of an invoice")
    invoice_items.draft(work, invoice_id)
    for index, line in enumerate(params["lines"]):
        with _path(f"lines[{index}]"):
            item_id = _item_of(work, invoice_id, line["id"], param="id")
        if line["behavior"] == "delete":
            invoice_items.delete(work, {}, item_id)
        else:
            invoice_items.unassign(work, item_id)
    return _with_metadata(work, params, invoice_id)


def _take(work: Work, line: Obj, invoice_id: str) -> None:
    item = work.read(invoice_items.KIND, line["invoice_item"], param="invoice_item")
    invoice = work.read("invoice", invoice_id)
    if item["customer"] != invoice["customer"]:
        raise InvalidRequest("The invoice item belongs to another customer.", param="invoice_item")
    if item["invoice"] is not None:
        raise InvalidRequest(f"The invoice item is on the invoice {item['invoice']} already.", param="invoice_item")
    if item["currency"] != invoice["currency"]:
        raise InvalidRequest(f"The currency of the invoice is {invoice['currency']}.", param="invoice_item")
    invoice_items.assign(work, item["id"], invoice_id)
    _change(work, {name: value for name, value in line.items() if name != "invoice_item"}, item["id"])


def _change(work: Work, params: Obj, item_id: str) -> None:
    modelled(params, _LINE, "lines of an invoice")
    if params.keys() - {"expand"}:
        invoice_items.update(work, params, item_id)


def _line(work: Work, invoice_id: str, line_id: str, param: str | None = None) -> Obj:
    lines: list[Obj] = work.read("invoice", invoice_id)["lines"]["data"]
    found = next((line for line in lines if line["id"] == line_id), None)
    if found is None:
        raise ResourceMissing("invoice line item", line_id, param=param)
    return found


def _item_of(work: Work, invoice_id: str, line_id: str, param: str | None = None) -> str:
    item_id = invoice_items.item_of(_line(work, invoice_id, line_id, param))
    if item_id is None:
        raise NotModelled("changing lines that bill a subscription's items", param=param)
    return item_id


def _with_metadata(work: Work, params: Obj, invoice_id: str) -> Obj:
    invoice = work.edit("invoice", invoice_id)
    if "invoice_metadata" in params:
        before = copied(invoice)
        invoice["metadata"] = merged_metadata(invoice["metadata"], params["invoice_metadata"], param="invoice_metadata")
        work.emit_updated("invoice.updated", before, invoice)
    return invoice


@contextmanager
def _path(path: str) -> Iterator[None]:
    """Refusals inside name their parameter by its whole path, lines[0][amount]."""
    try:
        yield
    except InvalidRequest as refusal:
        if refusal.param is not None:
            head, bracket, rest = refusal.param.partition("[")
            refusal.param = f"{path}[{head}]{bracket}{rest}"
        raise
