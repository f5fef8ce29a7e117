"""Invoices with discounts, taxes and items of their own: what the lines say and what they add up to."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox


@pytest.fixture
def customer(shared: Sandbox) -> str:
    return shared.client.v1.customers.create({"email": "figures@example.com"}).id


def draft(sandbox: Sandbox, customer: str, **more: Any) -> str:
    return str(sandbox.client.v1.invoices.create({"customer": customer, "currency": "usd", **more}).id)


def item(sandbox: Sandbox, customer: str, invoice: str, amount: int, **more: Any) -> stripe.InvoiceItem:
    params: Any = {"customer": customer, "invoice": invoice, "amount": amount, "currency": "usd", **more}
    return sandbox.client.v1.invoice_items.create(params)


def rate(sandbox: Sandbox, percentage: float, *, inclusive: bool = False) -> str:
    params: Any = {"display_name": "Tax", "percentage": percentage, "inclusive": inclusive}
    return sandbox.client.v1.tax_rates.create(params).id


def check_sums(invoice: Any) -> None:
    """Lines + tax - discounts = total, and what each line says is what the invoice says."""
    lines = invoice.lines.data
    exclusive = sum(tax.amount for tax in invoice.total_taxes if tax.tax_behavior == "exclusive")
    off = sum(each.amount for each in invoice.total_discount_amounts)
    assert sum(line.amount for line in lines) - off + exclusive == invoice.total
    assert sum(each.amount for line in lines for each in line.discount_amounts) == off
    assert sum(tax.amount for tax in invoice.total_taxes) == sum(tax.amount for line in lines for tax in line.taxes)
    assert invoice.total_excluding_tax == invoice.total - sum(tax.amount for tax in invoice.total_taxes)
    assert [each.amount for each in invoice.total_pretax_credit_amounts] == [
        each.amount for each in invoice.total_discount_amounts
    ]


def test_taxes_of_the_lines(shared: Sandbox, customer: str) -> None:
    """Stripe's own figures: 0.43 and 4.84 at 15 %."""
    invoice, tax = draft(shared, customer), rate(shared, 15)
    for amount in (43, 484):
        item(shared, customer, invoice, amount, tax_rates=[tax])
    found: Any = shared.client.v1.invoices.retrieve(invoice)
    check_sums(found)
    assert [line.taxes[0].amount for line in found.lines.data] == [6, 73]
    assert (found.subtotal, found.total, found.amount_due) == (527, 606, 606)
    total = found.total_taxes[0]
    assert (total.amount, total.taxable_amount, total.tax_rate_details.tax_rate) == (79, 527, tax)


def test_discounts_come_before_taxes(shared: Sandbox, customer: str) -> None:
    v1 = shared.client.v1
    invoice = draft(shared, customer)
    half, ten = v1.coupons.create({"percent_off": 50}), v1.coupons.create({"amount_off": 1000, "currency": "usd"})
    tax, inside = rate(shared, 10), rate(shared, 20, inclusive=True)
    item(shared, customer, invoice, 4000, discounts=[{"coupon": half.id}, {"coupon": ten.id}], tax_rates=[tax])
    item(shared, customer, invoice, 1200, tax_rates=[inside])
    found: Any = v1.invoices.retrieve(invoice, {"expand": ["lines.data.discounts"]})
    check_sums(found)
    first, second = found.lines.data
    assert [each.amount for each in first.discount_amounts] == [2000, 1000]
    assert [each.source.coupon for each in first.discounts] == [half.id, ten.id]
    assert (first.amount, first.taxes[0].amount, first.taxes[0].taxable_amount) == (4000, 100, 1000)
    assert (second.taxes[0].amount, second.taxes[0].tax_behavior) == (200, "inclusive")
    assert (found.subtotal, found.total, found.total_excluding_tax) == (2200, 2300, 2000)
    assert found.subtotal_excluding_tax == 2000


@pytest.mark.parametrize(("exempt", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")])
def test_customers_that_pay_no_tax(shared: Sandbox, customer: str, exempt: Any, reason: str) -> None:
    invoice = draft(shared, customer)
    item(shared, customer, invoice, 1000, tax_rates=[rate(shared, 21)])
    shared.client.v1.customers.update(customer, {"tax_exempt": exempt})
    done: Any = shared.client.v1.invoices.finalize_invoice(invoice)
    check_sums(done)
    assert (done.total, done.customer_tax_exempt) == (1000, exempt)
    assert (done.total_taxes[0].amount, done.total_taxes[0].taxability_reason) == (0, reason)


def test_items_join_change_and_leave_a_draft(shared: Sandbox, customer: str) -> None:
    v1 = shared.client.v1
    invoice = draft(shared, customer)
    one, two = item(shared, customer, invoice, 1000), item(shared, customer, invoice, 500, description="Two")
    lines: Any = v1.invoices.line_items.list(invoice).data
    assert [(line.amount, line.parent.invoice_item_details.invoice_item) for line in lines] == [
        (1000, one.id),
        (500, two.id),
    ]
    v1.invoice_items.update(one.id, {"amount": 1200, "description": "One"})
    again: Any = v1.invoices.retrieve(invoice)
    assert [(line.id, line.amount) for line in again.lines.data] == [(lines[0].id, 1200), (lines[1].id, 500)]
    assert again.total == 1700
    v1.invoice_items.delete(two.id)
    assert v1.invoices.retrieve(invoice).total == 1200
    assert [found.id for found in v1.invoice_items.list({"invoice": invoice}).data] == [one.id]
    v1.invoices.finalize_invoice(invoice)
    for refused in (
        lambda: v1.invoice_items.update(one.id, {"amount": 1}),
        lambda: v1.invoice_items.delete(one.id),
        lambda: item(shared, customer, invoice, 5),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            refused()
        assert caught.value.code == "invoice_not_editable"


def test_an_invoice_takes_only_its_own_customer_and_currency(shared: Sandbox, customer: str) -> None:
    invoice = draft(shared, customer)
    other = shared.client.v1.customers.create({}).id
    with pytest.raises(stripe.InvalidRequestError, match="another customer"):
        item(shared, other, invoice, 5)
    with pytest.raises(stripe.InvalidRequestError, match="currency of the invoice is usd"):
        item(shared, customer, invoice, 5, currency="eur")


def test_credit_and_debt_of_the_customer(shared: Sandbox, customer: str) -> None:
    v1 = shared.client.v1
    v1.customers.update(customer, {"balance": -1500})
    first = draft(shared, customer)
    item(shared, customer, first, 1000)
    v1.invoices.finalize_invoice(first)
    paid = v1.invoices.retrieve(first)
    assert (paid.status, paid.amount_due, paid.starting_balance, paid.ending_balance) == ("paid", 0, -1500, -500)
    second = draft(shared, customer)
    item(shared, customer, second, 540)
    v1.invoices.finalize_invoice(second)
    small = v1.invoices.retrieve(second)
    assert (small.status, small.amount_due, small.ending_balance) == ("paid", 0, 40)
    third = draft(shared, customer)
    item(shared, customer, third, -300)
    v1.invoices.finalize_invoice(third)
    negative = v1.invoices.retrieve(third)
    assert (negative.status, negative.total, negative.ending_balance) == ("paid", -300, -260)
    moves = v1.customers.balance_transactions.list(customer).data
    assert [(move.amount, move.type, move.invoice) for move in moves] == [
        (-300, "applied_to_invoice", third),
        (40, "invoice_too_small", second),
        (500, "applied_to_invoice", second),
        (1000, "applied_to_invoice", first),
        (-1500, "adjustment", None),
    ]
    assert sum(move.amount for move in moves) == v1.customers.retrieve(customer).balance == -260
