"""Invoice items: charges and credits that wait for the customer's next invoice, or were put on a draft.

An item without `invoice` is pending. Amounts are minor units, below zero for a credit. What an item costs is in
invoice_item_terms.py, the line that it becomes in invoice_item_lines.py.
"""

from collections.abc import Iterator, Sequence

from ..errors import InvalidRequest, ResourceMissing, modelled
from . import customers, discounts, invoice_totals, tax_rates
from .discounts import Owner
from .fields import cleared, in_range, inside, merged_metadata, new_metadata
from .invoice_item_lines import line_of
from .invoice_item_terms import new_terms, period_of, updated_terms
from .work import Obj, Work

KIND = "invoiceitem"
_CREATE = {
    "amount", "currency", "customer", "description", "discountable", "discounts", "invoice", "metadata", "period",
    "price_data", "pricing", "quantity", "quantity_decimal", "subscription", "tax_rates", "unit_amount_decimal",
}  # fmt: skip
_UPDATE = _CREATE - {"currency", "customer", "invoice", "subscription"}
_MOST_LINES = 250


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/invoiceitems: by `pricing[price]`, `price_data`, `unit_amount_decimal` or `amount` with `currency`.

    With `invoice` it goes on that draft, else it waits for the customer's next invoice, with `subscription` for
    the next one of that subscription.
    """
    modelled(params, _CREATE, "invoice items")
    invoice = _with_room(work, params["invoice"]) if "invoice" in params else None
    customer = _customer(work, params, invoice)
    terms = new_terms(work, params, invoice["currency"] if invoice is not None else customer["currency"])
    if invoice is not None and terms["currency"] != invoice["currency"]:
        raise InvalidRequest(f"The currency of the invoice is {invoice['currency']}.", param="currency")
    return add(work, customer, terms, params, invoice=invoice)


def add(
    work: Work,
    customer: Obj,
    terms: Obj,
    params: Obj,
    *,
    invoice: Obj | None = None,
    reusable: Sequence[str] = (),
    param: str = "",
) -> Obj:
    """A new item that costs `terms` (invoice_item_terms.py), on the draft `invoice` or else pending.

    `params` is what a request says besides the price, at the path `param`; `reusable`: ids of the discounts that it
    may name. InvalidRequest: see discounts.check and tax_rates.chosen, or a second currency of the customer.
    """
    customers.bill_in(work, customer["id"], terms["currency"])
    item_id = work.new_id("ii")
    item = {
        **_blank(item_id, work.now, customer),
        **terms,
        "description": params.get("description", terms["description"]),
        "discountable": params.get("discountable", terms["amount"] >= 0),
        "invoice": None if invoice is None else invoice["id"],
        "metadata": new_metadata(cleared(params.get("metadata"))),
        "parent": _parent(work, params.get("subscription"), customer["id"]),
        "period": period_of(params, work.now),
        "tax_rates": tax_rates.chosen(work, params.get("tax_rates") or None, param=inside(param, "tax_rates")),
    }
    item["discounts"] = _resolved(work, item, params.get("discounts"), reusable, inside(param, "discounts"))
    work.add(KIND, item)
    work.emit("invoiceitem.created", item)
    if invoice is not None:
        _put_on(work, item, invoice["id"])
    return item


def retrieve(work: Work, _params: Obj, item_id: str) -> Obj:
    """GET /v1/invoiceitems/{id}."""
    return work.read(KIND, item_id)


def update(work: Work, params: Obj, item_id: str) -> Obj:
    """POST /v1/invoiceitems/{id}, as long as it is pending or on a draft; the amount of a proration stays."""
    modelled(params, _UPDATE, "updating invoice items")
    item = work.edit(KIND, item_id)
    _check_editable(work, item)
    item.update(updated_terms(work, item, params))
    for name in ("description", "discountable"):
        if name in params:
            item[name] = params[name]
    if "discounts" in params:
        _change_discounts(work, item, params["discounts"])
    if "tax_rates" in params:
        item["tax_rates"] = tax_rates.chosen(work, params["tax_rates"] or None, param="tax_rates")
    if "period" in params:
        item["period"] = period_of(params, work.now)
    item["metadata"] = merged_metadata(item["metadata"], params.get("metadata"))
    if item["invoice"] is not None:
        _put_on(work, item, item["invoice"])
    return item


def delete(work: Work, _params: Obj, item_id: str) -> Obj:
    """DELETE /v1/invoiceitems/{id}, as long as it is pending or on a draft."""
    item = work.edit(KIND, item_id)
    _check_editable(work, item)
    if item["invoice"] is not None:
        _take_off(work, item)
    work.emit("invoiceitem.deleted", item)
    work.remove(KIND, item_id)
    return {"id": item_id, "object": KIND, "deleted": True}


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/invoiceitems, by `customer`, `invoice`, `pending` and `created` (of its `date`)."""
    for item in work.all(KIND):
        if any(name in params and item[name] != params[name] for name in ("customer", "invoice")):
            continue
        if "pending" in params and params["pending"] != (item["invoice"] is None):
            continue
        if in_range(item["date"], params.get("created")):
            yield item


def pending(work: Work, customer_id: str, subscription_id: str | None, *, only: bool = False) -> list[Obj]:
    """What waits for an invoice of the customer, the oldest first.

    `subscription_id`: an invoice of this subscription takes its own items and those of no subscription, with
    `only` just its own; None: an invoice of no subscription takes everything (assumed).
    """
    found = []
    for item in work.all(KIND):
        if item["customer"] != customer_id or item["invoice"] is not None:
            continue
        own = subscription_of(item)
        if subscription_id is None or own == subscription_id or (own is None and not only):
            found.append(item)
    return found[::-1]


def take(work: Work, item_id: str, invoice_id: str) -> Obj:
    """Marks a pending item as being on that invoice; its line is `invoice_item_lines.line_of`."""
    item = work.edit(KIND, item_id)
    item["invoice"] = invoice_id
    return item


def assign(work: Work, item_id: str, invoice_id: str) -> None:
    """Puts a pending item on a draft."""
    _with_room(work, invoice_id)
    _put_on(work, take(work, item_id, invoice_id), invoice_id)


def unassign(work: Work, item_id: str) -> None:
    """Takes an item off its draft; it is pending again."""
    item = work.edit(KIND, item_id)
    _take_off(work, item)
    item["invoice"] = None


def release(work: Work, invoice_id: str) -> None:
    """The items of a draft that is deleted are pending again."""
    for item in list(work.all(KIND)):
        if item["invoice"] == invoice_id:
            work.edit(KIND, item["id"])["invoice"] = None


def subscription_of(item: Obj) -> str | None:
    """The subscription that an item belongs to, or None."""
    if item["parent"] is None:
        return None
    found: str = item["parent"]["subscription_details"]["subscription"]
    return found


def _blank(item_id: str, now: int, customer: Obj) -> Obj:
    return {
        "id": item_id,
        "object": KIND,
        "customer": customer["id"],
        "customer_account": None,
        "date": now,
        "frozen_fields": [],
        "invoicing_rules": [],
        "livemode": False,
        "proration": False,
        "test_clock": customer["test_clock"],
    }


def _customer(work: Work, params: Obj, invoice: Obj | None) -> Obj:
    customer_id = params.get("customer", invoice["customer"] if invoice is not None else None)
    if customer_id is None:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    if invoice is not None and invoice["customer"] != customer_id:
        raise InvalidRequest("The invoice belongs to another customer.", param="invoice")
    return work.edit("customer", customer_id, param="customer")


def draft(work: Work, invoice_id: str, param: str | None = None) -> Obj:
    """The draft; InvalidRequest (invoice_not_editable) when it is none any more. `param` names it, else the path."""
    invoice = work.read("invoice", invoice_id, param=param)
    if invoice["status"] != "draft":
        raise InvalidRequest(
            f"Invoice {invoice_id} is {invoice['status']} and can no longer be edited.",
            code="invoice_not_editable",
            param=param,
        )
    return invoice


def _with_room(work: Work, invoice_id: str) -> Obj:
    invoice = draft(work, invoice_id, "invoice")
    if len(invoice["lines"]["data"]) >= _MOST_LINES:
        raise InvalidRequest(f"An invoice has at most {_MOST_LINES} items.", param="invoice")
    return invoice


def _parent(work: Work, subscription_id: str | None, customer_id: str) -> Obj | None:
    if subscription_id is None:
        return None
    subscription = work.read("subscription", subscription_id, param="subscription")
    if subscription["customer"] != customer_id:
        raise ResourceMissing("subscription", subscription_id, param="subscription")
    if subscription["ended_at"] is not None:
        raise InvalidRequest(f"The subscription {subscription_id} has ended.", param="subscription")
    return {"subscription_details": {"subscription": subscription_id}, "type": "subscription_details"}


def _change_discounts(work: Work, item: Obj, given: object) -> None:
    new = _resolved(work, item, given, item["discounts"], "discounts")
    item["discounts"] = discounts.replaced(work, item["discounts"], new)


def _resolved(work: Work, item: Obj, given: object, reusable: Sequence[str], param: str) -> list[str]:
    return discounts.resolve(
        work,
        given,
        Owner(item["customer"], invoice_item=item["id"]),
        currency=item["currency"],
        amount=item["amount"],
        reusable=reusable,
        param=param,
    )


def _check_editable(work: Work, item: Obj) -> None:
    if item["invoice"] is not None and work.read("invoice", item["invoice"])["status"] != "draft":
        raise InvalidRequest(
            f"The invoice item {item['id']} is on a finalized invoice and can no longer be changed.",
            code="invoice_not_editable",
        )


def _put_on(work: Work, item: Obj, invoice_id: str) -> None:
    """Its line joins the draft, or takes the place that it had."""
    invoice = work.edit("invoice", invoice_id)
    before = {line["id"]: line for line in invoice["lines"]["data"]}
    former = next((line["id"] for line in before.values() if item_of(line) == item["id"]), None)
    line = line_of(work, invoice_id, item, line_id=former)
    before[line["id"]] = line
    invoice["lines"]["data"] = list(before.values())
    _add_up(work, invoice)


def _take_off(work: Work, item: Obj) -> None:
    invoice = work.edit("invoice", item["invoice"])
    invoice["lines"]["data"] = [line for line in invoice["lines"]["data"] if item_of(line) != item["id"]]
    _add_up(work, invoice)


def item_of(line: Obj) -> str | None:
    """The invoice item that an invoice line bills, or None."""
    parent = line["parent"] or {}
    details = parent.get("invoice_item_details") or parent.get("subscription_item_details") or {}
    found: str | None = details.get("invoice_item")
    return found


def _add_up(work: Work, invoice: Obj) -> None:
    former = {name: invoice[name] for name in ("amount_due", "total")}
    invoice_totals.add_up(work, invoice)
    if changed := {name: value for name, value in former.items() if invoice[name] != value}:
        work.emit("invoice.updated", invoice, changed)
