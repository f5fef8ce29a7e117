"""What is said about invoices and their payments."""

import re
from uuid import UUID

from sqlalchemy import select

from portal.declines import reason
from portal.extensions import db
from portal.models import Invoice, InvoiceDocument, Notice, Payment
from portal.notices.contents.collection import until_when
from portal.notices.contents.subscriptions import because_of_billing
from portal.notices.message import Attachment, Button, Fact, Message, NotComposable, Overtaken
from portal.notices.words import address, day, gettext, money, money_with_code

_UNSAFE_IN_FILENAME = re.compile(r"[^A-Za-z0-9._-]+")


def issued(notice: Notice) -> Message:
    """The invoice with its PDF; says what the money does now: paid, being charged, or to be paid by a day."""
    invoice = _invoice(notice)
    if invoice.status not in ("open", "paid"):
        raise Overtaken(f"the invoice is {invoice.status}")
    is_paid = invoice.status == "paid"
    attachments = _document(invoice)
    return Message(
        subject=_subject(invoice),
        title=_title(invoice),
        amount=money_with_code(invoice.total_minor if is_paid else invoice.amount_remaining_minor, invoice.currency),
        paragraphs=(_state_of_payment(invoice), *_where_the_pdf_is(attachments)),
        facts=tuple(_facts(invoice)),
        button=Button(_see(invoice), address(f"/invoices/{invoice.id}")),
        why=because_of_billing(notice),
        tone="good" if is_paid else "calm",
        attachments=attachments,
    )


def payment_failed(notice: Notice) -> Message:
    """A payment did not go through: why, whether it is tried again, and what to do."""
    invoice = _invoice(notice)
    if invoice.status != "open":
        raise Overtaken(f"the invoice is {invoice.status}")
    if invoice.payment_state == "processing":
        raise Overtaken("another payment is on its way")
    if notice.step.isdigit() and int(notice.step) < invoice.attempt_count:
        raise Overtaken("a later attempt has its own notice")
    payment = max(invoice.payments, key=lambda row: row.created_at, default=None)
    code = invoice.failure_code or (payment.failure_code if payment else "no_method")
    return Message(
        subject=gettext("The payment of invoice %(number)s did not go through", number=_number(invoice)),
        title=gettext("Your payment did not go through"),
        amount=money_with_code(invoice.amount_remaining_minor, invoice.currency),
        paragraphs=tuple(text for text in (reason(code), _next_try(invoice), until_when()) if text),
        facts=tuple(_failure_facts(invoice, payment)),
        button=Button(gettext("Pay the invoice"), address(f"/invoices/{invoice.id}")),
        why=because_of_billing(notice),
        tone="warn",
    )


def safe_filename(number: str) -> str:
    """A file name that no mail program and no file system can misread: ``INV-0001.pdf``."""
    return f"{_UNSAFE_IN_FILENAME.sub('-', number).strip('-.')[:80] or 'invoice'}.pdf"


def _invoice(notice: Notice) -> Invoice:
    invoice = db.session.scalars(select(Invoice).where(Invoice.id == UUID(notice.object_id))).one_or_none()
    if invoice is None:
        raise NotComposable("there is no such invoice")
    return invoice


def _number(invoice: Invoice) -> str:
    return invoice.number or invoice.stripe_invoice_id


def _document(invoice: Invoice) -> tuple[Attachment, ...]:
    content = db.session.scalar(
        select(InvoiceDocument.content).where(
            InvoiceDocument.invoice_id == invoice.id, InvoiceDocument.kind == "invoice"
        )
    )
    return () if content is None else (Attachment(safe_filename(_number(invoice)), content),)


def _subject(invoice: Invoice) -> str:
    number, total = _number(invoice), money(invoice.total_minor, invoice.currency)
    if invoice.status == "paid":
        return gettext("Invoice %(number)s: %(amount)s, paid", number=number, amount=total)
    return gettext("Invoice %(number)s: %(amount)s", number=number, amount=total)


def _title(invoice: Invoice) -> str:
    if invoice.status == "paid":
        return gettext("Invoice %(number)s is paid", number=_number(invoice))
    return gettext("Your invoice %(number)s", number=_number(invoice))


def _see(invoice: Invoice) -> str:
    if invoice.status == "open" and (invoice.collection_method == "send_invoice" or invoice.attempt_count > 0):
        return gettext("Pay the invoice")
    return gettext("See the invoice")


def _state_of_payment(invoice: Invoice) -> str:
    if invoice.status == "paid":
        return _how_it_was_paid(invoice)
    amount = money(invoice.amount_remaining_minor, invoice.currency)
    if invoice.collection_method == "send_invoice":
        if invoice.due_at is None:
            return gettext("Please pay %(amount)s.", amount=amount)
        return gettext("Please pay %(amount)s by %(date)s.", amount=amount, date=day(invoice.due_at))
    if invoice.attempt_count > 0:
        return gettext("A first payment did not go through, so %(amount)s is still open.", amount=amount)
    return gettext("We charge %(amount)s to your payment method. You have nothing to do.", amount=amount)


def _how_it_was_paid(invoice: Invoice) -> str:
    if invoice.total_minor == 0:
        return gettext("There is nothing to pay.")
    if invoice.amount_due_minor == 0:
        return gettext("Your account balance covered it, so nothing was charged.")
    amount = money(invoice.amount_paid_minor, invoice.currency)
    if invoice.paid_at is None:
        return gettext("Thank you. We received %(amount)s.", amount=amount)
    return gettext("Thank you. We received %(amount)s on %(date)s.", amount=amount, date=day(invoice.paid_at))


def _where_the_pdf_is(attachments: tuple[Attachment, ...]) -> list[str]:
    if attachments:
        return [gettext("The invoice is attached as a PDF, and it stays in the portal.")]
    return [gettext("You find the invoice as a PDF in the portal.")]


def _facts(invoice: Invoice) -> list[Fact]:
    facts = [Fact(gettext("Invoice"), _number(invoice))]
    if invoice.issued_at:
        facts.append(Fact(gettext("Issued on"), day(invoice.issued_at)))
    if invoice.status == "paid":
        method = next((name for row in reversed(invoice.payments) if row.paid_at and (name := _method(row))), "")
        return [*facts, *([Fact(gettext("Paid with"), method)] if method else [])]
    if invoice.amount_remaining_minor != invoice.total_minor:
        facts.append(Fact(gettext("Total"), money(invoice.total_minor, invoice.currency)))
    if invoice.due_at:
        facts.append(Fact(gettext("Due on"), day(invoice.due_at)))
    return facts


def _failure_facts(invoice: Invoice, payment: Payment | None) -> list[Fact]:
    facts = [Fact(gettext("Invoice"), _number(invoice))]
    if payment is not None and (method := _method(payment)):
        facts.append(Fact(gettext("Payment method"), method))
    if invoice.next_payment_attempt_at:
        facts.append(Fact(gettext("Next try"), day(invoice.next_payment_attempt_at)))
    return facts


def _next_try(invoice: Invoice) -> str:
    if invoice.next_payment_attempt_at is None:
        return gettext("We will not try again by ourselves. Please pay the invoice or use another payment method.")
    return gettext(
        "We will try again on %(date)s. You can pay sooner, or use another payment method, in the portal.",
        date=day(invoice.next_payment_attempt_at),
    )


def _method(payment: Payment) -> str:
    name = (payment.method_brand or payment.method_type).replace("_", " ").title()
    return f"{name} •••• {payment.method_last4}" if payment.method_last4 else name
