"""Mail in tests: a real SMTP server inside the test, and the sandbox's mailbox through its control API."""

import asyncio
import email
import email.policy
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.sandbox import Sandbox


@dataclass(frozen=True)
class Letter:
    """One mail as the server got it."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    encrypted: bool
    login: str | None

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content())


@dataclass
class MailServer:
    """Takes mail on loopback. ``answers`` maps a recipient to the reply that it gets instead of 250."""

    tls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    implicit_tls: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = ""
    delay_seconds: float = 0.0
    offered: int = 0  # mails that somebody began to hand over
    on_mail: Callable[[], None] = lambda: None
    letters: list[Letter] = field(default_factory=list)
    port: int = 0
    _controller: "_Controller | None" = None

    def start(self) -> None:
        """Listen; the port stays the same over restarts."""
        self._controller = _Controller(self)
        self.port = self._controller.port
        self._controller.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def to(self, recipient: str) -> list[Letter]:
        """The letters for one address."""
        return [letter for letter in self.letters if recipient in letter.recipients]

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.offered += 1
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.data_answer:
            return self.data_answer
        auth = session.auth_data
        self.letters.append(
            Letter(
                str(envelope.mail_from),
                tuple(envelope.rcpt_tos),
                bytes(envelope.content or b""),
                bool(session.ssl) or self.implicit_tls,
                auth.login.decode() if isinstance(auth, LoginPassword) else None,
            )
        )
        self.on_mail()
        return "250 OK"

    def check(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
        """aiosmtpd's authenticator."""
        assert self.login is not None
        wanted = tuple(part.encode() for part in self.login)
        right = isinstance(given, LoginPassword) and (given.login, given.password) == wanted
        # "handled" would mean that the answer has been sent already; the client would wait for it.
        return AuthResult(success=right, handled=False, auth_data=given)


class _Controller(Controller):
    """aiosmtpd's controller on a socket that is bound before, so that a free port can be asked for."""

    def __init__(self, mail_server: MailServer) -> None:
        self._bound = socket.socket(proto=socket.IPPROTO_TCP)  # without Nagle's algorithm, as the sandbox's
        self._bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._bound.bind(("127.0.0.1", mail_server.port))
        options: dict[str, Any] = {"tls_context": None if mail_server.implicit_tls else mail_server.tls}
        if mail_server.implicit_tls:
            options["ssl_context"] = mail_server.tls
        if mail_server.login is not None:
            options |= {"authenticator": mail_server.check, "auth_required": True, "auth_require_tls": False}
        super().__init__(mail_server, hostname="127.0.0.1", port=self._bound.getsockname()[1], **options)

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._bound, ssl=self.ssl_context)


@contextmanager
def mail_server(**options: Any) -> Iterator[MailServer]:
    """A running server, stopped afterwards."""
    server = MailServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def self_signed(folder: Path) -> ssl.SSLContext | None:
    """A server's TLS context with a certificate of its own for localhost; ``None`` without openssl."""
    program = shutil.which("openssl")
    if program is None:
        return None
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost",
        ],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def mailbox(sandbox: Sandbox, recipient: str) -> list[dict[str, Any]]:
    """What the sandbox's mailbox holds for an address: from, to, subject, headers, text, html, attachments."""
    return [letter for letter in sandbox.get("mail")["data"] if recipient in letter["to"]]


def wait_for_mail(sandbox: Sandbox, recipient: str, *, count: int = 1, seconds: float = 15) -> list[dict[str, Any]]:
    """The letters for an address once there are ``count``. Fails the test when they do not come."""
    until = time.monotonic() + seconds
    while len(found := mailbox(sandbox, recipient)) < count:
        assert time.monotonic() < until, f"{len(found)} of {count} mails for {recipient} after {seconds} s"
        time.sleep(0.05)
    return found
