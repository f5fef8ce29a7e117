"""What is said about money that goes back, and about invoices that are settled in another way."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.extensions import db
from portal.models import CreditNote, Invoice, InvoiceDocument, Notice, Refund
from portal.notices.contents.invoices import safe_filename
from portal.notices.contents.subscriptions import because_of_billing
from portal.notices.message import Attachment, Button, Fact, Message, NotComposable, Overtaken, one_line
from portal.notices.words import address, day, gettext, money, money_with_code


def refund_made(notice: Notice) -> Message:
    """A refund is on its way, or has arrived: how much, of which invoice, how long it takes."""
    row = db.session.scalars(select(Refund).where(Refund.stripe_refund_id == notice.object_id)).one_or_none()
    if row is None:
        raise NotComposable("there is no such refund")
    if row.status in ("failed", "canceled"):
        raise Overtaken(f"the refund {row.status}")
    invoice = _invoice(row.invoice_id)
    return Message(
        subject=gettext("Refund of %(amount)s", amount=money(row.amount_minor, row.currency)),
        title=gettext("We refunded a payment"),
        amount=money_with_code(row.amount_minor, row.currency),
        paragraphs=(
            gettext("The money goes back to where it was paid from. It takes 5 to 10 banking days to show there."),
        ),
        facts=(Fact(gettext("Invoice"), _number(invoice)), Fact(gettext("Refunded on"), day(row.created_at))),
        button=_see(invoice),
        why=because_of_billing(notice),
        tone="good",
    )


def refund_failed(notice: Notice) -> Message:
    """A refund did not arrive: the money is still here."""
    invoice = _invoice(UUID(str(notice.params["invoice_id"])))
    return Message(
        subject=gettext("A refund could not be paid out"),
        title=gettext("Your bank sent a refund back"),
        amount=money_with_code(int(notice.params["amount_minor"]), str(notice.params["currency"])),
        paragraphs=(
            gettext(
                "Your bank did not take the money, so it is still with us. We look for another way and write to you."
            ),
        ),
        facts=(Fact(gettext("Invoice"), _number(invoice)),),
        button=_see(invoice),
        why=because_of_billing(notice),
        tone="warn",
    )


def credit_note_issued(notice: Notice) -> Message:
    """A credit note with its PDF: what it takes off, and where the money goes."""
    note, invoice = _note(notice)
    if note.status != "issued":
        raise Overtaken(f"the credit note is {note.status}")
    attachments = _document(note)
    title = gettext("Credit note %(number)s", number=note.number)
    return Message(
        subject=gettext("Credit note %(number)s: %(amount)s", number=note.number, amount=_total(note)),
        title=title,
        amount=money_with_code(note.total_minor, note.currency),
        paragraphs=(*_where_it_goes(note), _where_the_pdf_is(attachments)),
        facts=(
            Fact(gettext("Invoice"), _number(invoice)),
            Fact(gettext("Issued on"), day(note.issued_at)),
            *_memo(note.memo),
        ),
        button=_see(invoice),
        why=because_of_billing(notice),
        tone="good",
        attachments=attachments,
    )


def credit_note_voided(notice: Notice) -> Message:
    """A credit note that does not hold any more."""
    note, invoice = _note(notice)
    return Message(
        subject=gettext("Credit note %(number)s was canceled", number=note.number),
        title=gettext("Credit note %(number)s was canceled", number=note.number),
        amount=money_with_code(note.total_minor, note.currency),
        paragraphs=(gettext("It does not lower the invoice any more. The invoice's page shows what is due now."),),
        facts=(Fact(gettext("Invoice"), _number(invoice)),),
        button=_see(invoice),
        why=because_of_billing(notice),
    )


def balance_adjusted(notice: Notice) -> Message:
    """A credit or a debit on the account, which the next invoices use up."""
    said = notice.params
    amount = money_with_code(int(said["amount_minor"]), str(said["currency"]))
    is_credit = said["kind"] == "balance_credit"
    return Message(
        subject=gettext("A credit on your account") if is_credit else gettext("A debit on your account"),
        title=gettext("We credited your account") if is_credit else gettext("We debited your account"),
        amount=amount,
        paragraphs=(
            gettext("It is taken off your next invoices by itself.")
            if is_credit
            else gettext("It is added to your next invoice."),
        ),
        facts=tuple(_memo(str(said.get("memo") or ""))),
        button=Button(gettext("Open your subscription"), address("/")),
        why=because_of_billing(notice),
        tone="good" if is_credit else "calm",
    )


def invoice_settled(notice: Notice) -> Message:
    """An open invoice that is marked as paid in another way, or that nobody has to pay any more."""
    said = notice.params
    invoice = _invoice(UUID(str(said["invoice_id"])))
    is_paid = said["kind"] == "paid_out_of_band"
    number = _number(invoice)
    return Message(
        subject=gettext("Invoice %(number)s is settled", number=number),
        title=gettext("Invoice %(number)s is settled", number=number),
        amount=money_with_code(int(said["amount_minor"]), str(said["currency"])),
        paragraphs=(
            gettext("We received your payment outside of the portal. Thank you.")
            if is_paid
            else gettext("We do not try to collect it any more."),
        ),
        facts=(Fact(gettext("Invoice"), number), *_memo(str(said.get("memo") or ""))),
        button=_see(invoice),
        why=because_of_billing(notice),
        tone="good" if is_paid else "calm",
    )


def _document(note: CreditNote) -> tuple[Attachment, ...]:
    content = db.session.scalar(select(InvoiceDocument.content).where(InvoiceDocument.credit_note_id == note.id))
    return () if content is None else (Attachment(safe_filename(note.number), content),)


def _where_the_pdf_is(attachments: tuple[Attachment, ...]) -> str:
    if attachments:
        return gettext("The credit note is attached as a PDF, and it stays in the portal.")
    return gettext("You find the credit note as a PDF in the portal.")


def _where_it_goes(note: CreditNote) -> list[str]:
    def amount(minor: int) -> str:
        return money(minor, note.currency)

    said = []
    if note.lowered_minor:
        said.append(
            gettext("The open amount of the invoice is lower by %(amount)s.", amount=amount(note.lowered_minor))
        )
    if note.refunded_minor:
        said.append(gettext("%(amount)s goes back to your payment method.", amount=amount(note.refunded_minor)))
    if note.balance_minor:
        said.append(gettext("%(amount)s is kept for your next invoices.", amount=amount(note.balance_minor)))
    if note.out_of_band_minor:
        said.append(gettext("%(amount)s was paid back in another way.", amount=amount(note.out_of_band_minor)))
    return said


def _memo(text: str) -> list[Fact]:
    return [Fact(gettext("Our note"), one_line(text))] if text else []


def _total(note: CreditNote) -> str:
    return money(note.total_minor, note.currency)


def _note(notice: Notice) -> tuple[CreditNote, Invoice]:
    row: Any = db.session.scalars(select(CreditNote).where(CreditNote.id == UUID(notice.object_id))).one_or_none()
    if row is None:
        raise NotComposable("there is no such credit note")
    return row, _invoice(row.invoice_id)


def _invoice(invoice_id: UUID) -> Invoice:
    row = db.session.scalars(select(Invoice).where(Invoice.id == invoice_id)).one_or_none()
    if row is None:
        raise NotComposable("there is no such invoice")
    return row


def _number(invoice: Invoice) -> str:
    return invoice.number or invoice.stripe_invoice_id


def _see(invoice: Invoice) -> Button:
    return Button(gettext("See the invoice"), address(f"/invoices/{invoice.id}"))
