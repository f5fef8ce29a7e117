"""Everything that runs, put together: store, API, deliveries, mailbox, and who lets time pass."""

from dataclasses import dataclass
from pathlib import Path

from . import contract as contracts
from .clock import Clock
from .contract import API_VERSION
from .deliveries.dispatcher import Dispatcher
from .deliveries.plan import Planner
from .engine import account, webhook_endpoints
from .engine.work import Obj, Work
from .ids import Ids
from .journal import Change, Journal
from .mail import Mailbox
from .store import META, Store
from .timekeeper import Timekeeper
from .wire.api import Api


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
        self.timekeeper = Timekeeper(self.store)
        self.store.after_commit = self._notice
        self.mailbox = Mailbox(self.store, options.host, options.smtp_port, _login(options))

    def start(self, url: str) -> str:
        """Starts mailbox, deliveries and ticker; `url` is where it is reached. Returns the account id."""
        self.store.move_to(self.options.public_url or url)
        with self.store.transaction() as work:
            account_id = account.ensure(work)
            self._register_webhook(work)
        self.mailbox.start()
        self.dispatcher.start()
        self.timekeeper.start()
        return account_id

    def stop(self) -> None:
        """Ends what `start` started, and closes the state file last."""
        self.timekeeper.stop()
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
        """Moves the global clock forward and does what became due; the new time (UTC seconds)."""
        return self.timekeeper.advance(seconds)

    def _notice(self, changes: list[Change]) -> None:
        self.dispatcher.notice(changes)
        self.timekeeper.notice(changes)

    def _register_webhook(self, work: Work) -> None:
        url, secret = self.options.webhook_url, self.options.webhook_secret
        if url and secret:
            webhook_endpoints.register(work, url, secret, API_VERSION)


def _survives_reset(kind: str, body: Obj) -> bool:
    return kind == META and body["id"] in ("account", "address")


def _login(options: Options) -> tuple[str, str] | None:
    if options.smtp_user and options.smtp_password:
        return options.smtp_user, options.smtp_password
    return None
