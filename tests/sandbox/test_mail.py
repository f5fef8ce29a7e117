"""The mailbox: SMTP in, pages and JSON out, and its bad moods."""

import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import requests

from .conftest import Sandbox, start


@pytest.fixture(scope="module")
def guarded() -> Iterator[Sandbox]:
    running = start("--smtp-user", "billing", "--smtp-password", "correct horse")
    yield running
    running.kill()


def letter(subject: str = "Your invoice – nº 7") -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = subject
    made["From"] = "Billing <billing@example.com>"
    made["To"] = "owner@example.com"
    made.set_content("Grüße, the invoice is attached.\n")
    made.add_alternative("<h1>Invoice</h1><script>alert(1)</script><p>29.00 €</p>", subtype="html")
    made.add_attachment(b"%PDF-1.7 bytes\x00\xff", maintype="application", subtype="pdf", filename='in"voice.pdf')
    return made


def send(sandbox: Sandbox, message: EmailMessage, login: tuple[str, str] | None = None) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        if login:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            smtp.starttls(context=context)
            smtp.login(*login)
        smtp.send_message(message)


def test_a_mail_with_an_attachment_is_shown(sandbox: Sandbox) -> None:
    send(sandbox, letter())
    kept = sandbox.look("mail")["data"]
    assert [mail["subject"] for mail in kept] == ["Your invoice – nº 7"]
    mail = kept[0]
    assert (mail["from"], mail["to"]) == ("billing@example.com", ["owner@example.com"])
    assert "Grüße" in mail["text"]
    assert "29.00 €" in mail["html"]
    assert mail["attachments"][0] | {"filename": ""} == {
        "index": 0,
        "filename": "",
        "type": "application/pdf",
        "size": 16,
    }
    page = requests.get(f"{sandbox.url}/mailbox", timeout=10).text
    assert "Your invoice – nº 7" in page
    shown = requests.get(f"{sandbox.url}/mailbox/{mail['id']}", timeout=10).text
    assert 'sandbox=""' in shown
    assert "Grüße" in shown
    framed = requests.get(f"{sandbox.url}/mailbox/{mail['id']}/html", timeout=10)
    assert "sandbox;" in framed.headers["Content-Security-Policy"]
    assert "<h1>Invoice</h1>" in framed.text
    attached = requests.get(f"{sandbox.url}/mailbox/{mail['id']}/attachments/0", timeout=10)
    assert attached.content == b"%PDF-1.7 bytes\x00\xff"
    assert attached.headers["Content-Disposition"] == 'attachment; filename="in_voice.pdf"'
    assert requests.get(f"{sandbox.url}/mailbox/{mail['id']}/attachments/1", timeout=10).status_code == 404
    assert b"Subject:" in requests.get(f"{sandbox.url}/mailbox/{mail['id']}/raw", timeout=10).content
    requests.delete(f"{sandbox.url}/_sandbox/mail", json={}, timeout=10)
    assert sandbox.look("mail")["data"] == []
    assert "No mail yet" in requests.get(f"{sandbox.url}/mailbox", timeout=10).text


def test_starttls_and_a_password(guarded: Sandbox) -> None:
    send(guarded, letter("secret"), ("billing", "correct horse"))
    assert guarded.look("mail")["data"][0]["subject"] == "secret"
    with pytest.raises(smtplib.SMTPAuthenticationError):
        send(guarded, letter(), ("billing", "wrong"))
    with pytest.raises(smtplib.SMTPException):
        send(guarded, letter())


def test_it_rejects_sleeps_and_goes_away_when_asked(sandbox: Sandbox) -> None:
    sandbox.control("mail", {"mode": "reject"})
    with pytest.raises(smtplib.SMTPDataError) as caught:
        send(sandbox, letter())
    assert caught.value.smtp_code == 554
    sandbox.control("mail", {"mode": "slow", "seconds": 30})
    with (
        smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=0.5) as smtp,
        pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)),
    ):
        smtp.send_message(letter())
    sandbox.control("mail", {"mode": "off"})
    with pytest.raises(ConnectionRefusedError):
        send(sandbox, letter())
    sandbox.control("mail", {"mode": "normal"})
    send(sandbox, letter("back"))
    assert sandbox.look("mail")["data"][0]["subject"] == "back"
    sandbox.control("mail", {"mode": "grumpy"}, status=400)


def two_recipients() -> EmailMessage:
    made = letter("for two")
    made.replace_header("To", "here@example.com, Gone@Example.com")
    return made


def test_single_recipients_are_refused(sandbox: Sandbox) -> None:
    sandbox.control("mail", {"recipients": {"gone@*": 550, "full@example.com": 452}})
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        refused = smtp.send_message(two_recipients())
    assert refused["Gone@Example.com"][0] == 550
    assert sandbox.look("mail")["data"][0]["to"] == ["here@example.com"]
    with (
        smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp,
        pytest.raises(smtplib.SMTPRecipientsRefused) as caught,
    ):
        smtp.sendmail("a@example.com", ["full@example.com"], "Subject: x\n\nx")
    assert caught.value.recipients["full@example.com"][0] == 452
    assert len(sandbox.look("mail")["data"]) == 1
    assert "refuses gone@*, full@example.com" in requests.get(f"{sandbox.url}/mailbox", timeout=10).text
    for wrong in ({"recipients": {"a": 250}}, {"recipients": ["a"]}, {"times": 0}, {"nonsense": 1}):
        sandbox.control("mail", wrong, status=400)


def test_it_says_later_as_often_as_it_was_told(sandbox: Sandbox) -> None:
    sandbox.control("mail", {"mode": "temporary", "times": 2})
    for _ in range(2):
        with pytest.raises(smtplib.SMTPDataError) as caught:
            send(sandbox, letter("later"))
        assert caught.value.smtp_code == 451
    send(sandbox, letter("later"))
    assert [mail["subject"] for mail in sandbox.look("mail")["data"]] == ["later"]
    assert sandbox.look("mail")["mode"] == "normal"


def test_it_keeps_a_mail_and_loses_the_answer(sandbox: Sandbox) -> None:
    sandbox.control("mail", {"mode": "lost_answer", "times": 1})
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        send(sandbox, letter("twice"))
    send(sandbox, letter("twice"))
    assert [mail["subject"] for mail in sandbox.look("mail")["data"]] == ["twice", "twice"]


def test_mails_are_found(sandbox: Sandbox) -> None:
    for subject in ("Invoice 7", "Reminder"):
        send(sandbox, letter(subject))
    send(sandbox, two_recipients())
    found = sandbox.look("mail?to=GONE@example.com")["data"]
    assert [mail["subject"] for mail in found] == ["for two"]
    assert len(sandbox.look("mail?to=owner@*&subject=inv*")["data"]) == 1
    assert len(sandbox.look("mail?limit=2")["data"]) == 2
    since = found[0]["received_at"]
    assert [mail["subject"] for mail in sandbox.look(f"mail?since={since}")["data"]] == ["for two"]
    assert sandbox.look(f"mail/{found[0]['id']}")["subject"] == "for two"
    assert "unknown key" in sandbox.look("mail?too=x")["error"]
