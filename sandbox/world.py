"""Everything that runs, put together: store, API, deliveries, mailbox, and the ticker of the clock."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from . import contract as contracts
from .clock import Clock
from .contract import API_VERSION
from .deliveries.dispatcher import Dispatcher
from .deliveries.plan import Planner
from .engine import account, checkout_sessions, webhook_endpoints
from .engine.work import Obj, Work
from .ids import Ids
from .journal import Journal
from .mail import Mailbox
from .store import META, Store
from .wire import idempotency
from .wire.api import Api

log = logging.getLogger(__name__)
_TICK = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line and the environment decide. Ports: 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 12111
    smtp_port: int = 12125
    state: Path | None = None
    seed: int | None = None
    public_url: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    smtp_user: str | None = None
    smtp_password: str | None = None


class World:
    """One running sandbox."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.contract = contracts.load()
        self.clock = Clock()
        journal = Journal(options.state) if options.state is not None else None
        self.store = Store(self.clock, Ids(options.seed), journal)
        self.store.on_event = Planner(self.contract).plan
        self.api = Api(self.store, self.contract)
        self.dispatcher = Dispatcher(self.store)
        self.store.after_commit = self.dispatcher.notice
        self.mailbox = Mailbox(self.store, options.host, options.smtp_port, _login(options))
        self._stopped = threading.Event()

    def start(self, url: str) -> str:
        """Starts mailbox, deliveries and ticker; `url` is where it is reached. Returns the account id."""
        self.store.move_to(self.options.public_url or url)
        with self.store.transaction() as work:
            account_id = account.ensure(work)
            self._register_webhook(work)
        self.mailbox.start()
        self.dispatcher.start()
        threading.Thread(target=self._tick, name="ticker", daemon=True).start()
        return account_id

    def stop(self) -> None:
        """Ends what `start` started, and closes the state file last."""
        self._stopped.set()
        self.dispatcher.stop()
        self.mailbox.stop()
        self.store.close()

    def reset(self) -> None:
        """Empties everything but the account (a portal is bound to it) and the command line's endpoint."""
        self.api.faults.clear()
        self.api.requests.clear()
        self.mailbox.mode = "normal"
        self.store.clear(_survives_reset)
        self.dispatcher.forget()
        with self.store.transaction() as work:
            self._register_webhook(work)

    def advance(self, seconds: int) -> int:
        """Moves the clock forward and does what became due; the new time (UTC seconds)."""
        with self.store.lock:
            self.clock.advance(seconds)
            with self.store.transaction() as work:
                # A change of its own, so that the moved clock is stored even when nothing became due.
                work.add(META, {"id": "advanced", "to": work.now})
                checkout_sessions.expire_due(work)
        return self.clock.now()

    def _register_webhook(self, work: Work) -> None:
        url, secret = self.options.webhook_url, self.options.webhook_secret
        if url and secret:
            webhook_endpoints.register(work, url, secret, API_VERSION)

    def _tick(self) -> None:
        while not self._stopped.wait(_TICK):
            try:
                with self.store.transaction() as work:
                    checkout_sessions.expire_due(work)
                    idempotency.forget_old(work)
            except Exception:
                log.exception("the ticker failed; it goes on")


def _survives_reset(kind: str, body: Obj) -> bool:
    return kind == META and body["id"] in ("account", "address")


def _login(options: Options) -> tuple[str, str] | None:
    if options.smtp_user and options.smtp_password:
        return options.smtp_user, options.smtp_password
    return None
