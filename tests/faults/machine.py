"""A whole portal on a PostgreSQL and a Valkey of its own, all of which may be killed, stopped and started again."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from portal.embedded.postgres import PostgresServer
from portal.embedded.refusals import Refusal
from portal.embedded.valkey import ValkeyServer
from tests.support import database, live
from tests.support.live import LivePortal
from tests.support.services import DATABASE_VARIABLE, REDIS_VARIABLE

WATCH_SECONDS = 0.05
ENDED_SECONDS = 10
PROCESSES = ("web", "worker", "ticker")


# What was owed when something failed, and who held what.
_OPEN = (
    "SELECT to_jsonb(o) - 'payload' FROM outbox o WHERE done_at IS NULL AND kind NOT LIKE 'periodic.%'",
    "SELECT to_jsonb(o) FROM stripe_objects o WHERE seen < wanted",
    "SELECT to_jsonb(c) FROM checkouts c WHERE state IN ('preparing', 'open')",
    "SELECT to_jsonb(l) FROM pg_stat_activity l WHERE state <> 'idle'",
)


@dataclass
class Machine:
    """The parts and a watch over them that starts again whatever has died, as ``./run`` does."""

    portal: LivePortal
    postgres: PostgresServer
    valkey: ValkeyServer
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _over: threading.Event = field(default_factory=threading.Event)

    def kill(self, name: str) -> bool:
        """SIGKILL for a part: web, worker, ticker, postgres, valkey; "request" is one process of the web server.

        Returns whether it lived until then; it has ended now.
        """
        with self._lock:
            process = self._process(name)
            if process is None or process.poll() is not None:
                return False
            if name == "request":
                return _kill_child(process.pid)
            process.kill()
            return process.wait(ENDED_SECONDS) == -signal.SIGKILL

    def pid(self, name: str) -> int:
        """The process of a part."""
        process = self._process(name)
        assert process is not None, f"{name} does not run"
        return process.pid

    def _process(self, name: str) -> "subprocess.Popen[bytes] | None":
        """The process of a part; ``None`` for a server that is between two starts."""
        servers: dict[str, PostgresServer | ValkeyServer] = {"postgres": self.postgres, "valkey": self.valkey}
        if name in servers:
            return servers[name].process
        return self.portal.processes["web" if name == "request" else name]

    def watch(self) -> None:
        """Start again whatever dies, until the end."""
        threading.Thread(target=self._keep_running, daemon=True).start()

    def end(self) -> None:
        """Start nothing any more."""
        with self._lock:
            self._over.set()

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """The owner's own connection."""
        url = make_url(self.portal.settings.role_url("owner")).set(drivername="postgresql")
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)

    def _keep_running(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            with self._lock:
                if self._over.is_set():
                    break
                for server in (self.postgres, self.valkey):
                    if server.process is not None and server.process.poll() is not None:
                        # A server whose children have not all ended yet refuses; the next look tries again.
                        with contextlib.suppress(Refusal):
                            server.start()
                for name in PROCESSES:
                    if self.portal.processes[name].poll() is not None:
                        self.portal.start(name)
        # The servers are told to end when the thread that started them does: that must not be before their time.
        threading.Event().wait()


def children(pid: int) -> list[int]:
    """The processes that this one has started and that still live."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill_child(pid: int) -> bool:
    """SIGKILL for one child of a process; whether there was one. Its end may leave a zombie, which lives no more."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the parent has ended, or the child just now
        for child in children(pid):
            if _lives(child):
                os.kill(child, signal.SIGKILL)
                wait_until(lambda: not _lives(child), ENDED_SECONDS, "a killed process lives on")  # noqa: B023
                return True
    return False


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@contextmanager
def running() -> Iterator[Machine]:
    """Every acknowledged commit is on PostgreSQL's side of a crash; Valkey keeps nothing."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="billing-machine-")))
        home.chmod(0o711)
        postgres = PostgresServer(home / "postgres", home / "postgres.log")
        valkey = ValkeyServer(home / "valkey", home / "valkey.log", fast=True)
        for server in (postgres, valkey):
            stack.callback(server.stop)
            server.start()
        stack.enter_context(_environment({DATABASE_VARIABLE: postgres.url("postgres"), REDIS_VARIABLE: valkey.url()}))
        portal = stack.enter_context(live.running(database.make_template()))
        machine = Machine(portal, postgres, valkey)
        stack.callback(machine.end)
        try:
            yield machine
        except BaseException:
            machine.end()  # first: whoever is asked for its stacks dies of it, and must not be started again
            _keep(machine)
            postgres.stop()  # what follows drops the database, on a server that may have been killed just now
            postgres.start()
            raise


def _keep(machine: Machine) -> None:
    """What is needed to understand a failure: the logs, what was open, and where the processes stood."""
    kept = Path(tempfile.mkdtemp(prefix="billing-machine-logs-"))
    sys.stderr.write(f"the portal's logs are kept in {kept}\n")
    for process in machine.portal.processes.values():
        if process.poll() is None:
            process.send_signal(signal.SIGABRT)  # with PYTHONFAULTHANDLER: all threads' stacks into its log
    time.sleep(1)
    shutil.copytree(machine.portal.logs, kept, dirs_exist_ok=True)
    try:
        with machine.connect() as connection:
            lines = [json.dumps(row, default=str) for query in _OPEN for row in connection.execute(query)]
    except psycopg.Error as error:
        lines = [str(error)]
    (kept / "open.txt").write_text("\n".join(lines))


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def wait_until(happened: Callable[[], bool], seconds: float, what: str) -> None:
    """Look every 50 ms until it has happened; AssertionError with ``what`` after ``seconds``."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, what
        time.sleep(0.05)
