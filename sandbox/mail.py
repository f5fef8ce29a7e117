"""The mailbox: an SMTP server on loopback that keeps what it gets and shows it on a page.

STARTTLS with a certificate that `openssl` makes at the start, in a temporary directory; without that
program it runs without STARTTLS. With a user and a password it asks for them.
"""

import asyncio
import contextlib
import logging
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from .engine.work import Obj, Work
from .mail_mood import Mood
from .store import Store

log = logging.getLogger(__name__)
KIND = "_mail"
_LARGEST = 35 * 1024 * 1024


class Mailbox:
    """Receives mail, in the mood that a test set.

    normal; reject (554 to the whole message); temporary (451, try again); slow (waits before it answers);
    lost_answer (keeps the mail and breaks the connection before it says so); off (connection refused).
    """

    def __init__(self, store: Store, host: str, port: int, login: tuple[str, str] | None) -> None:
        self.port = port
        self._mood = Mood()
        self._store = store
        self._host = host
        self._login = login
        self._tls = _self_signed()
        self._controller: _Controller | None = None

    @property
    def mood(self) -> Mood:
        """How it treats mail now."""
        return self._mood

    def feel(self, mood: Mood) -> None:
        """Treats mail so from now on."""
        self._mood = mood
        if mood.mode == "off":
            self.stop()
        elif self._controller is None:
            self.start()

    def start(self) -> None:
        """Listens; a port of 0 becomes the one that was taken."""
        self._controller = _Controller(self, _listen(self._host, self.port), self._tls, self._login)
        self._controller.start()
        self.port = self._controller.port

    def stop(self) -> None:
        """Stops listening."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's hook for one recipient."""
        refusal = self._mood.refusal_of(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook for a whole message."""
        mood, self._mood = self._mood, self._mood.after_one()
        if mood.mode == "slow":
            await asyncio.sleep(mood.seconds)
        if mood.mode == "reject":
            return "554 5.7.1 The sandbox rejects mail, as a test asked it to"
        if mood.mode == "temporary":
            return "451 4.7.1 Not now, try again later, as a test asked it to say"
        self._store.run(_keep, envelope)
        if mood.mode == "lost_answer" and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "250 2.0.0 OK, kept in the sandbox"


class _Controller(Controller):
    """aiosmtpd's controller over a socket that is bound already, so that port 0 works."""

    def __init__(
        self,
        mailbox: Mailbox,
        bound: socket.socket,
        tls: ssl.SSLContext | None,
        login: tuple[str, str] | None,
    ) -> None:
        options: dict[str, Any] = {"tls_context": tls, "data_size_limit": _LARGEST}
        if login is not None:
            options.update(authenticator=_authenticator(login), auth_required=True, auth_require_tls=False)
        address = bound.getsockname()
        super().__init__(mailbox, hostname=address[0], port=address[1], **options)
        self._bound = bound

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._bound)


def _authenticator(login: tuple[str, str]) -> Any:
    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        user, password = (text.encode() for text in login)
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (user, password)
        # `handled` would mean that the refusal was sent already, and the client would wait for it.
        return AuthResult(success=right, handled=right)

    return check


def _keep(work: Work, envelope: Envelope) -> Obj:
    content = envelope.content
    raw = content if isinstance(content, bytes) else (content or "").encode()
    return work.add(
        KIND,
        {
            "id": work.new_id("mail"),
            "created": work.now,
            "received_at": time.time(),
            "from": envelope.mail_from,
            "to": list(envelope.rcpt_tos),
            # Latin-1 maps every byte to one character and back, whatever the message's own encoding.
            "raw": raw.decode("latin-1"),
        },
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or else asyncio leaves Nagle's algorithm on, and an answer of several lines takes 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


def _self_signed() -> ssl.SSLContext | None:
    program = shutil.which("openssl")
    if program is None:
        log.warning("no openssl program: the mailbox runs without STARTTLS")
        return None
    with tempfile.TemporaryDirectory(prefix="sandbox-tls-") as place, contextlib.suppress(OSError):
        key, certificate = Path(place, "key.pem"), Path(place, "certificate.pem")
        made = subprocess.run(
            [
                program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-keyout", str(key), "-out", str(certificate), "-days", "30",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            ],
            check=False,
            capture_output=True,
            timeout=10,
        )  # fmt: skip
        if made.returncode == 0:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            return context
    log.warning("openssl made no certificate: the mailbox runs without STARTTLS")
    return None
