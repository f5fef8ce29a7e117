"""SMTP: connection, encryption and login as the settings say, and what an answer means for the mail."""

import contextlib
import ipaddress
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from functools import cache
from typing import Any

from portal import failpoints
from portal.config import Settings
from portal.notices.channels.base import PermanentFailure, TemporaryFailure, Unreachable

TIMEOUT_SECONDS = 10.0
# Below the lease of the outbox row (30 s): a server that answers one word every 9 s must not outlast it.
TOTAL_SECONDS = 25.0
IMPLICIT_TLS_PORT = 465
_MESSAGE_TOO_BIG = 552


class _WithDeadline(smtplib.SMTP):
    """Ends a conversation that takes too long as a whole, which the socket's timeout alone does not."""

    def __init__(self, host: str, port: int, **options: Any) -> None:
        self._deadline = time.monotonic() + TOTAL_SECONDS
        # Without a name of ours smtplib asks the DNS for one, which may take longer than the mail.
        super().__init__(host, port, local_hostname=socket.gethostname(), timeout=TIMEOUT_SECONDS, **options)

    def getreply(self) -> tuple[int, bytes]:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            self.close()
            raise TimeoutError("the mail server is too slow")
        if self.sock is not None:
            self.sock.settimeout(min(TIMEOUT_SECONDS, remaining))
        return super().getreply()


class _WithDeadlineOverTls(_WithDeadline, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


def send(mail: EmailMessage, settings: Settings) -> None:
    """Hand the mail over. Raises TemporaryFailure or PermanentFailure; only refusals of the mail are permanent.

    A wrong password or a missing STARTTLS is temporary: mails must survive a mistake in the settings.
    """
    with connected(settings) as server:
        try:
            with failpoints.around("smtp.send", smtplib.SMTPServerDisconnected):
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise _refusal(code, answer) from error
        except smtplib.SMTPSenderRefused as error:
            if error.smtp_code == _MESSAGE_TOO_BIG:
                raise _refusal(error.smtp_code, error.smtp_error) from error
            raise TemporaryFailure(f"the sender is refused: {_said(error.smtp_code, error.smtp_error)}") from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise PermanentFailure("the mail server does not take addresses with such characters") from error
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise Unreachable(_described(error)) from error
        except smtplib.SMTPException as error:
            raise TemporaryFailure(_described(error)) from error


@contextmanager
def connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    """A connection that is encrypted and signed in as the settings say. Raises TemporaryFailure."""
    with contextlib.ExitStack() as stack:
        try:
            with failpoints.around("smtp.connect", smtplib.SMTPServerDisconnected):
                server = _greeted(settings)
            stack.callback(_leave, server)
            _secure(server, settings)
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(_described(error)) from error
        yield server


def _leave(server: smtplib.SMTP) -> None:
    # The mail has been taken or refused by now; an impolite end changes nothing.
    with contextlib.suppress(OSError, smtplib.SMTPException):
        server.quit()
    server.close()


def _greeted(settings: Settings) -> smtplib.SMTP:
    host, port = settings.smtp_host, settings.smtp_port
    if port == IMPLICIT_TLS_PORT:
        return _WithDeadlineOverTls(host, port, context=tls_context(host))
    return _WithDeadline(host, port)


def _secure(server: smtplib.SMTP, settings: Settings) -> None:
    server.ehlo_or_helo_if_needed()
    encrypted = settings.smtp_port == IMPLICIT_TLS_PORT
    if not encrypted and settings.smtp_starttls != "off":
        if server.has_extn("starttls"):
            server.starttls(context=tls_context(settings.smtp_host))
            server.ehlo_or_helo_if_needed()
            encrypted = True
        elif settings.smtp_starttls == "on":
            raise TemporaryFailure("the mail server does not offer STARTTLS, which SMTP_STARTTLS=on demands")
    if settings.smtp_username:
        if not encrypted and not is_loopback(settings.smtp_host):
            raise TemporaryFailure("the password is not sent over an unencrypted connection; see SMTP_STARTTLS")
        _log_in(server, settings)


def _log_in(server: smtplib.SMTP, settings: Settings) -> None:
    try:
        server.login(settings.smtp_username, settings.smtp_password)
    except UnicodeEncodeError as error:
        raise TemporaryFailure("SMTP_USERNAME and SMTP_PASSWORD may have ASCII characters only") from error


def tls_context(host: str) -> ssl.SSLContext:
    """Certificates are verified, except on this machine, where a development server made its own."""
    return _tls_context(is_verified=not is_loopback(host))


@cache
def _tls_context(*, is_verified: bool) -> ssl.SSLContext:
    """Made once: reading all authorities takes a tenth of a second of CPU, longer than all else about a mail."""
    if is_verified:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def is_loopback(host: str) -> bool:
    """Whether the name or address is this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refusal(code: int, answer: bytes | str) -> TemporaryFailure | PermanentFailure:
    """RFC 5321 §4.2.1: 4yz means later, 5yz means never."""
    return PermanentFailure(_said(code, answer)) if code >= 500 else TemporaryFailure(_said(code, answer))


def _described(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"


def _said(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"[:300]
