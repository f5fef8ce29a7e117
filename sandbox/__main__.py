"""`python -m sandbox`: starts the sandbox and prints one JSON line on stdout when it is ready.

Every option can be given by environment as well: --smtp-port is SANDBOX_SMTP_PORT. Logs go to stderr.
"""

import argparse
import ipaddress
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from .journal import StateInUse
from .server import Server
from .wire.table import table
from .world import Options, World


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT. Exit code 2 and one sentence on stderr when it cannot start."""
    given = _parser().parse_args(arguments)
    if given.calls:
        sys.stdout.write(table())
        return 0
    logging.basicConfig(
        level=logging.DEBUG if given.verbose else logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s sandbox %(levelname)s %(message)s",
    )
    for chatty in ("mail.log", "weasyprint", "weasyprint.progress", "fontTools"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if not _is_loopback(given.host) and not given.i_know_this_is_not_loopback:
        return _refuse(
            f"{given.host} is not a loopback address. The sandbox has no real secrets and no real door; "
            "add --i-know-this-is-not-loopback if you mean it."
        )
    if bool(given.webhook_url) != bool(given.webhook_secret):
        return _refuse("--webhook-url and --webhook-secret belong together.")
    try:
        world = World(_options(given))
        server = Server(world)
    except StateInUse as error:
        return _refuse(f"{error}.")
    except OSError as error:
        return _refuse(f"cannot listen on {given.host}:{given.port}: {error.strerror}.")
    return _serve(world, server)


def _serve(world: World, server: Server) -> int:
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        account = world.start(server.url)
    except OSError as error:
        return _refuse(f"cannot start the mailbox on port {world.options.smtp_port}: {error.strerror}.")
    server.start()
    ready = {"url": server.url, "smtp_port": world.mailbox.port, "account": account}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    world.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)

    def option(name: str, default: str | None, text: str, kind: type = str) -> None:
        variable = "SANDBOX_" + name.upper().replace("-", "_")
        shown = f"{text} ({variable})"
        parser.add_argument(f"--{name}", type=kind, default=os.environ.get(variable, default), help=shown)

    option("host", "127.0.0.1", "address to listen on, loopback")
    option("port", "12111", "port of the API and the pages, 0 for a free one", int)
    option("smtp-port", "12125", "port of the mailbox, 0 for a free one", int)
    option("state", None, "file that keeps the state; without it everything is forgotten at the end")
    option("seed", None, "a number that makes ids reproducible", int)
    option("public-url", None, "address that links are made with, when it differs from the bound one")
    parser.add_argument(
        "--allowed-host",
        action="append",
        metavar="NAME",
        help="another name that requests may call it by, several times (SANDBOX_ALLOWED_HOSTS, with commas)",
    )
    option("webhook-url", None, "where events go, with --webhook-secret")
    option("webhook-secret", None, "the secret that signs them (whsec_...)")
    option("smtp-user", None, "the mailbox asks for this user")
    option("smtp-password", None, "and this password")
    parser.add_argument("--i-know-this-is-not-loopback", action="store_true", help="allow any address")
    parser.add_argument("--verbose", action="store_true", help="log every request")
    parser.add_argument("--calls", action="store_true", help="print the table of supported calls, and end")
    return parser


def _allowed_hosts(given: argparse.Namespace) -> tuple[str, ...]:
    named = given.allowed_host or os.environ.get("SANDBOX_ALLOWED_HOSTS", "").split(",")
    return tuple(name.strip() for name in named if name.strip())


def _options(given: argparse.Namespace) -> Options:
    return Options(
        host=given.host,
        port=given.port,
        smtp_port=given.smtp_port,
        state=Path(given.state) if given.state else None,
        seed=given.seed,
        public_url=given.public_url.rstrip("/") if given.public_url else None,
        allowed_hosts=_allowed_hosts(given),
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        smtp_user=given.smtp_user,
        smtp_password=given.smtp_password,
    )


def _is_loopback(host: str) -> bool:
    try:
        addresses = {found[4][0] for found in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address).is_loopback for address in addresses)


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"sandbox: {sentence}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
