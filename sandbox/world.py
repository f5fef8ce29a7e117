"""Everything that runs, put together: store, API, deliveries, mailbox, and who lets time pass."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import contract as contracts
from .clock import Clock
from .contract import API_VERSION
from .deliveries import races
from .deliveries.dispatcher import Dispatcher
from .deliveries.plan import Planner
from .engine import account, adoption, webhook_endpoints
from .engine.work import Obj, Work
from .ids import Ids
from .journal import Change, Journal
from .mail import Mailbox
from .mail_mood import Mood
from .outside.neighbours import Neighbours
from .snapshots import Snapshots
from .store import META, Store
from .timekeeper import Timekeeper
from .wire.api import Api
from .wirelog import WireLog


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line and the environment decide. Ports: 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 12111
    smtp_port: int = 12125
    state: Path | None = None
    seed: int | None = None
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
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
        self.wire = WireLog()
        self.dispatcher = Dispatcher(self.store, self.wire)
        self.api.await_webhooks = partial(races.wait_for_webhooks, self.store, self.dispatcher)
        self.timekeeper = Timekeeper(self.store)
        self.store.after_commit = self._notice
        self.mailbox = Mailbox(self.store, options.host, options.smtp_port, _login(options))
        self.neighbours = Neighbours(self.store, self.api.faults)
        self.snapshots = Snapshots(self.store, self.api.faults, self.mailbox, self._resume)

    def start(self, url: str) -> str:
        """Starts mailbox, deliveries and ticker; `url` is where it is reached. Returns the account id."""
        self.store.move_to(self.options.public_url or url)
        with self.store.transaction() as work:
            account_id = account.ensure(work)
            adoption.adopt(work)
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
        self.wire.clear()
        self.mailbox.feel(Mood())
        self.store.clear(_survives_reset)
        self.dispatcher.start_over()
        with self.store.transaction() as work:
            self._register_webhook(work)

    def advance(self, seconds: int) -> int:
        """Moves the global clock forward and does what became due; the new time (UTC seconds)."""
        return self.timekeeper.advance(seconds)

    def _notice(self, changes: list[Change]) -> None:
        self.dispatcher.notice(changes)
        self.timekeeper.notice(changes)

    def _resume(self) -> None:
        """Looks at the state anew, after a snapshot was put back."""
        self.dispatcher.start_over()
        self.timekeeper.notice(list(self.store.everything()))

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
