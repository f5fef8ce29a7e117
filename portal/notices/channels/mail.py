"""Mail: a message as an e-mail, handed to the SMTP server of the settings."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app

from portal import clock
from portal.config import Settings
from portal.i18n import speaking_to
from portal.notices import render
from portal.notices.channels import smtp
from portal.notices.channels.base import Delivery, PermanentFailure
from portal.notices.message import Message, one_line

_FORGED = re.compile(r"\r\n(?![ \t])|\n(?<!\r\n)|\r(?!\n)")


def deliver(delivery: Delivery) -> None:
    """Send the mail. Raises TemporaryFailure or PermanentFailure.

    When the connection breaks after the server took the mail, it is sent once more, with the same Message-ID:
    SMTP has no way of asking (RFC 5321 §4.2.5).
    """
    settings: Settings = current_app.extensions["settings"]
    smtp.send(compose(delivery, settings), settings)


def compose(delivery: Delivery, settings: Settings) -> EmailMessage:
    """The whole e-mail. Raises PermanentFailure for an address or header that no mail can carry."""
    message = delivery.message
    mail = EmailMessage(policy=SMTP)
    try:
        _set_headers(mail, delivery, settings)
        _refuse_forged_headers(mail)
    except ValueError as error:
        raise PermanentFailure(f"not a valid header: {error}") from error
    with speaking_to(delivery.reader):
        mail.set_content(render.text(message), cte="quoted-printable")
        mail.add_alternative(render.html(message), subtype="html", cte="quoted-printable")
    _attach(mail, message)
    # Last: making the mail multipart moves every Content-* header into its first part.
    mail["Content-Language"] = delivery.reader.html_lang
    return mail


def message_id(delivery_id: UUID, settings: Settings) -> str:
    """The same for every try of one delivery, so that the recipient's program can tell a repeat."""
    host = urlsplit(settings.public_url).hostname or "localhost"
    return f"<{delivery_id}@{'localhost' if ':' in host else _ascii_domain(host)}>"


def _set_headers(mail: EmailMessage, delivery: Delivery, settings: Settings) -> None:
    mail["From"] = Address(_header_text(settings.portal_name), addr_spec=_ascii_address(settings.smtp_from_email))
    mail["To"] = Address(addr_spec=_ascii_address(delivery.recipient))
    mail["Subject"] = _header_text(delivery.message.subject)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = message_id(delivery.id, settings)
    # Both keep absence notes and ticket systems from answering (RFC 3834; the second is Exchange's).
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"


def _refuse_forged_headers(mail: EmailMessage) -> None:
    """Raises ValueError when a header would be written as two, as Python checks only from 3.12.5 on."""
    for name, value in mail.items():
        if _FORGED.search(mail.policy.fold(name, value).rstrip("\r\n")):
            raise ValueError(f"{name} would become two headers")


def _header_text(text: str) -> str:
    """Text for a header that stays what it is.

    The email package decodes "=?utf-8?q?…?=" in a value that it is given, and writes out a line break that
    was encoded there: a name could so add a header.
    """
    return one_line(text).replace("=?", "= ?")


def _attach(mail: EmailMessage, message: Message) -> None:
    for attachment in message.attachments:
        main, sub = attachment.media_type.split("/")
        mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.filename)


def _ascii_address(address: str) -> str:
    """The address with its domain in the form that every mail server understands."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{_ascii_domain(domain)}"


def _ascii_domain(domain: str) -> str:
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")
