"""Credit notes against open and paid invoices: amounts, taxes, ways back, and what is refused."""

from typing import Any

import pytest
import requests
import stripe

from .conftest import Sandbox
from .money import billed, told
from .support import customer_with_card


def paid(sandbox: Sandbox, *amounts: int, **more: Any) -> stripe.Invoice:
    customer, _ = customer_with_card(sandbox)
    return sandbox.client.v1.invoices.pay(billed(sandbox, customer.id, *amounts, **more).id)


def charge_of(sandbox: Sandbox, invoice: stripe.Invoice) -> str:
    payment: Any = sandbox.client.v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    return str(sandbox.client.v1.payment_intents.retrieve(payment.payment.payment_intent).latest_charge)


def tax_rate(sandbox: Sandbox, percentage: float, *, inclusive: bool = False) -> str:
    params: Any = {"display_name": "VAT", "percentage": percentage, "inclusive": inclusive}
    return sandbox.client.v1.tax_rates.create(params).id


def test_a_note_lowers_an_open_invoice(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, method = customer_with_card(shared)
    invoice = billed(shared, customer.id, 1000, 2000)
    note = v1.credit_notes.create({"invoice": invoice.id, "amount": 500, "memo": "sorry", "reason": "duplicate"})
    assert (note.amount, note.total, note.pre_payment_amount, note.post_payment_amount) == (500, 500, 500, 0)
    assert (note.type, note.status, note.number) == ("pre_payment", "issued", f"{invoice.number}-CN-01")
    assert (note.reason, note.memo, note.customer) == ("duplicate", "sorry", customer.id)
    assert [(line.amount, line.type) for line in note.lines.data] == [
        (167, "invoice_line_item"),
        (333, "invoice_line_item"),
    ]
    now = v1.invoices.retrieve(invoice.id)
    assert (now.status, now.total, now.amount_due, now.amount_remaining) == ("open", 3000, 2500, 2500)
    assert (now.pre_payment_credit_notes_amount, now.post_payment_credit_notes_amount) == (500, 0)
    payment: Any = v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    assert payment.amount_requested == 2500
    done = v1.invoices.pay(invoice.id, {"payment_method": method})
    assert (done.status, done.amount_paid, done.amount_remaining) == ("paid", 2500, 0)
    assert v1.payment_intents.retrieve(payment.payment.payment_intent).amount_received == 2500
    assert told(shared, note.id) == ["credit_note.created"]


def test_a_note_over_everything_pays_the_invoice(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    invoice = billed(shared, customer.id, 1000)
    v1.credit_notes.create({"invoice": invoice.id, "amount": 1000})
    now = v1.invoices.retrieve(invoice.id)
    assert (now.status, now.amount_due, now.amount_paid, now.amount_remaining) == ("paid", 0, 0, 0)
    payment: Any = v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    assert payment.status == "canceled"
    assert v1.payment_intents.retrieve(payment.payment.payment_intent).status == "canceled"
    assert told(shared, invoice.id)[-4:] == [
        "invoice.updated",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_lines_are_credited_by_amount_and_quantity(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    draft = v1.invoices.create({"customer": customer.id})
    item: Any = {"customer": customer.id, "invoice": draft.id, "currency": "usd"}
    v1.invoice_items.create({**item, "unit_amount_decimal": "250", "quantity": 4, "description": "Seats"})
    v1.invoice_items.create({**item, "amount": 700, "description": "Setup"})
    invoice = v1.invoices.finalize_invoice(draft.id)
    lines = {line.description: line.id for line in invoice.lines.data}
    by_quantity: Any = {"type": "invoice_line_item", "invoice_line_item": lines["Seats"], "quantity": 2}
    by_amount: Any = {"type": "invoice_line_item", "invoice_line_item": lines["Setup"], "amount": 100}
    own: Any = {"type": "custom_line_item", "description": "Goodwill", "quantity": 3, "unit_amount": 50}
    note = v1.credit_notes.create({"invoice": invoice.id, "lines": [by_quantity, by_amount, own]})
    assert [(line.amount, line.quantity, line.description) for line in note.lines.data] == [
        (500, 2, "Seats"),
        (100, None, "Setup"),
        (150, 3, "Goodwill"),
    ]
    assert (note.amount, note.subtotal) == (750, 750)
    assert note.lines.data[0].invoice_line_item == lines["Seats"]
    wrong: list[tuple[Any, str]] = [
        ({**by_quantity, "quantity": 3}, "at most what is left"),
        ({"type": "invoice_line_item", "invoice_line_item": lines["Seats"], "amount": 1}, "by quantity before"),
        ({**by_amount, "quantity": 1}, "either"),
        ({**by_amount, "invoice_line_item": "il_none"}, "No such invoice line item"),
        ({**own, "amount": 5}, "not for lines"),
        ({**own, "unit_amount": 0}, "positive"),
    ]
    for line, message in wrong:
        with pytest.raises(stripe.InvalidRequestError, match=message):
            v1.credit_notes.create({"invoice": invoice.id, "lines": [line]})


def test_taxes_and_discounts_go_in_proportion(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    coupon = v1.coupons.create({"percent_off": 10})
    rate = tax_rate(shared, 21)
    invoice = billed(shared, customer.id, 1000, 500, default_tax_rates=[rate], discounts=[{"coupon": coupon.id}])
    assert (invoice.subtotal, invoice.total) == (1500, 1634)  # 1350 + 189 + 95 (94.5, half up)
    first = v1.credit_notes.create({"invoice": invoice.id, "amount": 817})
    assert (first.total, first.discount_amount, first.amount) == (817, 75, 817)
    assert first.total_taxes is not None
    assert first.total_excluding_tax == 817 - sum(tax.amount for tax in first.total_taxes)
    assert first.subtotal - first.discount_amount + sum(tax.amount for tax in first.total_taxes) == 817
    assert [found.id for line in first.lines.data for found in line.tax_rates] == [rate, rate]
    rest = v1.credit_notes.create({"invoice": invoice.id, "amount": 817})
    assert rest.total_taxes is not None
    assert sum(tax.amount for note in (first, rest) for tax in note.total_taxes or ()) == 284
    assert first.discount_amount + rest.discount_amount == 150
    assert first.subtotal + rest.subtotal == 1500
    assert v1.invoices.retrieve(invoice.id).status == "paid"


def test_inclusive_tax_and_a_line_of_ones_own(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    invoice = billed(shared, customer.id, 1210, default_tax_rates=[tax_rate(shared, 21, inclusive=True)])
    note = v1.credit_notes.create({"invoice": invoice.id, "amount": 605})
    assert note.total_taxes is not None
    assert [(tax.amount, tax.taxable_amount, tax.tax_behavior) for tax in note.total_taxes] == [(105, 500, "inclusive")]
    assert (note.total, note.total_excluding_tax, note.subtotal_excluding_tax) == (605, 500, 500)
    line: Any = {
        "type": "custom_line_item",
        "description": "Goodwill",
        "unit_amount_decimal": "99.5",
        "tax_rates": [tax_rate(shared, 10)],
    }
    own = v1.credit_notes.create({"invoice": invoice.id, "lines": [line]})
    assert (own.subtotal, own.amount) == (100, 110)


def test_a_paid_invoice_gives_money_back_in_three_ways(shared: Sandbox) -> None:
    v1 = shared.client.v1
    invoice = paid(shared, 1000)
    params: Any = {
        "invoice": invoice.id,
        "amount": 600,
        "refund_amount": 300,
        "credit_amount": 200,
        "out_of_band_amount": 100,
    }
    note = v1.credit_notes.create(params)
    assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("post_payment", 0, 600)
    assert note.out_of_band_amount == 100
    refund = v1.refunds.retrieve(str(note.refunds[0].refund))
    assert (refund.amount, refund.status, note.refunds[0].amount_refunded) == (300, "succeeded", 300)
    assert v1.charges.retrieve(charge_of(shared, invoice)).amount_refunded == 300
    customer = v1.customers.retrieve(str(invoice.customer))
    moved = v1.customers.balance_transactions.retrieve(customer.id, str(note.customer_balance_transaction))
    assert (customer.balance, moved.amount, moved.type, moved.credit_note) == (-200, -200, "credit_note", note.id)
    now = v1.invoices.retrieve(invoice.id)
    assert (now.status, now.amount_due, now.amount_paid, now.post_payment_credit_notes_amount) == (
        "paid",
        1000,
        1000,
        600,
    )
    with pytest.raises(stripe.InvalidRequestError, match="more than what can still be credited"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 401, "credit_amount": 401})
    with pytest.raises(stripe.InvalidRequestError, match="must equal the credit note amount"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 400, "credit_amount": 399})
    with pytest.raises(stripe.InvalidRequestError, match="while its invoice is open"):
        v1.credit_notes.void_credit_note(note.id)
    rest = v1.credit_notes.create({"invoice": invoice.id, "amount": 400, "refund_amount": 400})
    assert rest.number == f"{invoice.number}-CN-02"


def test_plain_refunds_lessen_what_can_be_credited(shared: Sandbox) -> None:
    v1 = shared.client.v1
    invoice = paid(shared, 1000)
    refund = v1.refunds.create({"charge": charge_of(shared, invoice), "amount": 300})
    assert v1.invoices.retrieve(invoice.id).post_payment_credit_notes_amount == 0
    with pytest.raises(stripe.InvalidRequestError, match="more than what can still be credited"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 701, "credit_amount": 701})
    linked = v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 500, "credit_amount": 200, "refunds": [{"refund": refund.id}]}
    )
    assert [(str(link.refund), link.amount_refunded) for link in linked.refunds] == [(refund.id, 300)]
    with pytest.raises(stripe.InvalidRequestError, match="belongs to no credit note yet"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 300, "refunds": [{"refund": refund.id}]})
    assert v1.credit_notes.create({"invoice": invoice.id, "amount": 500, "credit_amount": 500}).amount == 500


def test_what_balance_paid_can_be_credited_back(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    v1.customers.balance_transactions.create(customer.id, {"amount": -400, "currency": "usd"})
    invoice = billed(shared, customer.id, 1000)
    assert (invoice.total, invoice.amount_due) == (1000, 600)
    mixed: Any = {"invoice": invoice.id, "amount": 700, "credit_amount": 100}
    note = v1.credit_notes.create(mixed)
    assert (note.type, note.pre_payment_amount, note.post_payment_amount) == ("mixed", 600, 100)
    assert v1.invoices.retrieve(invoice.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="no charge that can be refunded"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 300, "refund_amount": 300})


def test_a_refund_takes_what_is_left_of_the_charge(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, method = customer_with_card(shared)
    v1.customers.balance_transactions.create(customer.id, {"amount": -400, "currency": "usd"})
    invoice = v1.invoices.pay(billed(shared, customer.id, 1000).id, {"payment_method": method})
    assert invoice.amount_paid == 600
    with pytest.raises(stripe.InvalidRequestError, match=r"more than what is left of the charge \(\$6.00\)"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 700, "refund_amount": 700})
    note = v1.credit_notes.create({"invoice": invoice.id, "amount": 700, "refund_amount": 600, "credit_amount": 100})
    assert note.post_payment_amount == 700


def test_a_void_note_gives_back_what_it_took(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, method = customer_with_card(shared)
    invoice = billed(shared, customer.id, 1000)
    note = v1.credit_notes.create({"invoice": invoice.id, "amount": 400})
    void = v1.credit_notes.void_credit_note(note.id)
    assert (void.status, void.voided_at is not None) == ("void", True)
    now = v1.invoices.retrieve(invoice.id)
    assert (now.amount_due, now.amount_remaining, now.pre_payment_credit_notes_amount) == (1000, 1000, 0)
    assert told(shared, note.id) == ["credit_note.created", "credit_note.voided"]
    with pytest.raises(stripe.InvalidRequestError, match="already been voided"):
        v1.credit_notes.void_credit_note(note.id)
    again = v1.credit_notes.create({"invoice": invoice.id, "amount": 400})
    assert again.number == f"{invoice.number}-CN-02"
    assert v1.invoices.pay(invoice.id, {"payment_method": method}).amount_paid == 600


def test_a_preview_is_what_is_made(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    invoice = billed(shared, customer.id, 999, 501, default_tax_rates=[tax_rate(shared, 7.25)])
    params: Any = {"invoice": invoice.id, "amount": 777, "memo": "half"}
    preview = v1.credit_notes.preview(params)
    assert v1.credit_notes.list({"invoice": invoice.id}).data == []
    assert v1.invoices.retrieve(invoice.id).amount_due == invoice.amount_due
    lines = v1.credit_notes.preview_lines.list({**params, "limit": 1})
    assert (len(lines.data), lines.has_more) == (1, True)
    note = v1.credit_notes.create(params)
    for name in ("amount", "subtotal", "total_excluding_tax", "number", "pre_payment_amount", "memo", "type"):
        assert note[name] == preview[name]
    assert [line.amount for line in v1.credit_notes.line_items.list(note.id).data] == [
        line.amount for line in preview.lines.data
    ]


def test_what_is_no_case_for_a_note(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, _ = customer_with_card(shared)
    draft = v1.invoices.create({"customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match="this one is draft"):
        v1.credit_notes.create({"invoice": draft.id, "amount": 1})
    invoice = billed(shared, customer.id, 1000)
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.credit_notes.create({"invoice": invoice.id})
    assert error.value.code == "parameter_missing"
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.credit_notes.create({"invoice": invoice.id, "amount": 0})
    assert error.value.code == "parameter_invalid_integer"
    with pytest.raises(stripe.InvalidRequestError, match=r"more than .* \(\$10.00\)"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 1001})
    v1.invoices.void_invoice(invoice.id)
    with pytest.raises(stripe.InvalidRequestError, match="this one is void"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 1})
    changed = v1.credit_notes.create({"invoice": billed(shared, customer.id, 1000).id, "amount": 10})
    changed = v1.credit_notes.update(changed.id, {"memo": "late", "metadata": {"a": "b"}})
    assert (changed.memo, changed.metadata and changed.metadata["a"]) == ("late", "b")
    assert told(shared, changed.id) == ["credit_note.created", "credit_note.updated"]


def test_a_note_has_a_page(shared: Sandbox) -> None:
    v1 = shared.client.v1
    invoice = paid(shared, 1000)
    params: Any = {"invoice": invoice.id, "amount": 600, "refund_amount": 400, "credit_amount": 200, "memo": "Sorry"}
    note = v1.credit_notes.create(params)
    shown = requests.get(note.pdf.removesuffix("/pdf"), headers={"Accept-Language": "es"}, timeout=30)
    assert shown.status_code == 200
    for text in (note.number, "Sorry", "Nota de crédito", "6,00", "Reembolsado", "4,00", "Abonado al saldo", "2,00"):
        assert text in shown.text
    assert requests.get(f"{shared.url}/credit_note/cn_none", timeout=30).status_code == 404
