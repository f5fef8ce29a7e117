"""What the mails say, in which language, and that nothing written into them becomes anything else."""

import dataclasses
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from uuid import UUID

import pytest

from portal.declines import reason
from portal.notices.channels.mail import message_id
from portal.notices.contents.invoices import safe_filename
from portal.notices.message import Button, Message, one_line
from tests.notices.samples import MOMENT, company

PDF = b"%PDF-1.7\n\x00\xff\r\n.\r\nbytes that a mail must not change\n%%EOF"
SOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="https://evil.example">x</a>',
    "{{ 7*7 }}{% for x in y %}",
    "%(amount)s %s %d 100%",
    "javascript:alert(1)",
    "Acme\r\nBcc: victim@x.example",
    "Acme\n\n<h1>Pay here</h1>",
    "Acme\u2028X: y",
    "\u202egpj.exe\u202c",
    "A\x00\x1b[31m",
    "=?utf-8?q?Evil=0ABcc:_a@b.example?=",
)


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        self.found.update(f"@{name}" for name, _ in attrs)
        self.links += [value for name, value in attrs if name in ("href", "src")]


@pytest.fixture(name="mail_of")
def fixture_mail_of(tell, send, smtp):
    """Tell the company and return the one mail that arrived."""

    def mail_of(acme, kind, object_id, **options):
        smtp.letters.clear()
        tell(acme.tenant_id, kind, object_id, **options)
        send()
        (letter,) = smtp.letters
        return letter

    return mail_of


def test_headers(acme, mail_of, rows):
    letter = mail_of(acme, "subscription_started", acme.subscription())
    mail = letter.message
    notice_id = rows("SELECT id FROM notices")[0].id
    assert letter.sender == "billing@portal.example"
    assert mail["From"] == "Acme Cloud <billing@portal.example>"
    assert mail["To"] == "billing@acme.example"
    assert mail["Subject"] == "Your Starter plan is active"
    assert mail["Message-ID"] == f"<{notice_id}@billing.portal.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Content-Language"] == "en"
    assert mail["Date"].datetime.tzinfo is not None
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_paid_invoice_carries_the_stored_pdf(acme, mail_of):
    letter = mail_of(acme, "invoice_issued", acme.invoice(pdf=PDF, payment={"paid_at": MOMENT}))
    (attachment,) = letter.message.iter_attachments()
    assert attachment.get_content() == PDF
    assert (attachment.get_filename(), attachment.get_content_type()) == ("INV-0001.pdf", "application/pdf")
    assert letter.message["Subject"] == "Invoice INV-0001: $29.00, paid"
    assert "Thank you. We received $29.00 on November 3, 2026." in letter.text
    assert "Paid with: Visa •••• 4242" in letter.text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"collection_method": "send_invoice", "due_at": SOON}, "Please pay $29.00 by November 10, 2026."),
        ({"collection_method": "send_invoice"}, "Please pay $29.00."),
        ({}, "We charge $29.00 to your payment method."),
        ({"attempt_count": 1}, "A first payment did not go through"),
        ({"status": "paid", "total_minor": 0, "amount_paid_minor": 0}, "There is nothing to pay."),
        ({"status": "paid", "amount_due_minor": 0, "amount_paid_minor": 0}, "Your account balance covered it"),
    ],
)
def test_the_wording_fits_the_invoice(acme, mail_of, values, sentence):
    invoice_id = acme.invoice(pdf=PDF, **{"status": "open", **values})
    letter = mail_of(acme, "invoice_issued", invoice_id)
    assert sentence in letter.text
    assert f"https://billing.portal.example/invoices/{invoice_id}" in letter.text


def test_a_failed_payment_says_why_and_what_next(acme, mail_of):
    invoice_id = acme.invoice(
        status="open",
        attempt_count=1,
        next_payment_attempt_at=SOON,
        payment={"status": "open", "failure_code": "insufficient_funds"},
    )
    letter = mail_of(acme, "payment_failed", invoice_id, step="1")
    for said in (
        "There was not enough money on the card or account.",
        "We will try again on November 10, 2026.",
        "$29.00\u00a0USD",
        "Payment method: Visa •••• 4242",
        f"https://billing.portal.example/invoices/{invoice_id}",
    ):
        assert said in letter.text


@pytest.mark.parametrize("code", ["lost_card", "stolen_card", "fraudulent", "do_not_honor", "a_code_of_tomorrow", None])
def test_what_the_bank_does_not_say_is_not_said(app, code):
    assert reason(code) == "The bank declined the payment without giving a reason."


def test_a_trial_says_when_it_is_paid(acme, mail_of):
    letter = mail_of(acme, "subscription_started", acme.subscription(status="trialing", trial_end=SOON))
    assert letter.message["Subject"] == "Your trial of Starter has started"
    assert "free of charge until November 10, 2026." in letter.text
    assert "Price: $29.00 per month" in letter.text


def test_an_ended_subscription(acme, mail_of):
    letter = mail_of(acme, "subscription_canceled", acme.subscription(status="canceled", ended_at=MOMENT))
    assert letter.message["Subject"] == "Your Starter plan has ended"
    assert "Ended on: November 3, 2026" in letter.text


def test_each_recipient_reads_in_its_own_language_and_formats(acme, worker, tell, send, smtp):
    acme.member("ana@acme.example", language="es", format_locale="es_ES", timezone="Pacific/Kiritimati")
    acme.member("joao@acme.example", "billing", language="pt_BR", format_locale="pt_BR")
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    send()
    ana, joao, contact = (smtp.to(f"{name}@acme.example")[0] for name in ("ana", "joao", "billing"))
    assert ana.message["Subject"] == "Su plan Starter está activo"
    assert [letter.message["Content-Language"] for letter in (ana, joao, contact)] == ["es", "pt-BR", "en"]
    assert "29,00\u00a0US$" in ana.text
    assert "4 de diciembre de 2026" in ana.text
    assert "US$\u00a029,00" in joao.text
    assert "3 de dezembro de 2026" in joao.text
    assert "December 3, 2026" in contact.text
    assert '<html lang="es">' in ana.html


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(owner, mail_of, rows, name):
    stored = name.replace("\x00", "")
    acme = company(owner, stored)
    rows("UPDATE plans SET name = :name WHERE plan_id = 'starter'", name=stored)
    letter = mail_of(acme, "subscription_started", acme.subscription())
    plain = Tags(letter.html)
    assert not plain.found & {"script", "img", "h2", "@onerror", "@src"}
    assert all(link.startswith("https://billing.portal.example") for link in plain.links)
    assert letter.recipients == ("billing@acme.example",)
    assert letter.message["Bcc"] is None
    assert letter.message["Subject"].split() == f"Your {one_line(stored).replace('=?', '= ?')} plan is active".split()
    assert f"the billing of {one_line(stored)}." in letter.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u2028\u202a-\u202e]", letter.text + letter.html)


def test_a_header_refuses_a_line_break():
    """The last line of defence, should somebody build a mail around Message."""
    mail = EmailMessage(policy=SMTP)
    with pytest.raises(ValueError, match="linefeed"):
        mail["Subject"] = "Hello\r\nBcc: victim@x.example"


def test_a_message_has_no_line_breaks():
    message = Message("a\r\nb", "c\nd", ("e\n\nf",), "g\u2029h", Button("x", "https://x.example"), amount="1\n2")
    assert (message.subject, message.title, message.paragraphs) == ("a b", "c d", ("e f",))
    assert (message.why, message.amount) == ("g h", "1 2")


@pytest.mark.parametrize(
    ("number", "filename"),
    [
        ("INV-0001", "INV-0001.pdf"),
        ("../../etc/passwd", "etc-passwd.pdf"),
        ('a"; filename="b.exe', "a-filename-b.exe.pdf"),
        ("x\r\nContent-Type: text/html", "x-Content-Type-text-html.pdf"),
        ("€€€", "invoice.pdf"),
        ("9" * 500, "9" * 80 + ".pdf"),
    ],
)
def test_file_names(number, filename):
    assert safe_filename(number) == filename


def test_the_html_needs_nothing_from_outside(acme, mail_of):
    letter = mail_of(acme, "subscription_started", acme.subscription())
    tags = Tags(letter.html)
    assert not tags.found & {"img", "link", "script", "iframe", "@background", "@srcset"}
    assert not re.search(r"@import|@font-face|url\(", letter.html)
    assert "prefers-color-scheme: dark" in letter.html
    assert 'style="' in letter.html
    assert tags.links.count("https://billing.portal.example/") == 1


@pytest.mark.parametrize("path", ["/", "/plans", f"/invoices/{UUID(int=1)}", "/reset-password/x", "/forgot-password"])
def test_the_buttons_lead_to_pages(app, path):
    assert app.url_map.bind("portal.example").match(path)


def test_a_long_address_of_the_portal_leaves_the_message_id_whole(settings, acme):
    long = dataclasses.replace(settings, public_url=f"https://{'b' * 60}.billing.of-a-long-name.example:8443/portal")
    mail = EmailMessage(policy=SMTP)
    mail["Message-ID"] = message_id(UUID(int=1), long)
    assert f"<{UUID(int=1)}@{'b' * 60}.billing.of-a-long-name.example>".encode() in bytes(mail)
