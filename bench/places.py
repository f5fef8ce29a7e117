"""What a bench runs on: a PostgreSQL and a Valkey of its own that lose nothing, gunicorn, signed-in people.

Unlike the tests' servers these write to the disk before they answer, as in production.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import requests

from bench import load
from bench.harness import Meter, Sample
from portal import config
from portal.app import create_app
from portal.billing import tenants
from portal.embedded.postgres import PostgresServer
from portal.embedded.valkey import ValkeyServer
from portal.security import people
from tests.support import database
from tests.support.live import free_port
from tests.support.people import PASSWORD, form_token
from tests.support.services import DATABASE_VARIABLE, REDIS_VARIABLE

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60
BROWSER_HEADERS = {
    "Host": "127.0.0.1",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}


@dataclass(frozen=True)
class Place:
    """The servers of a run, the migrated database that benches clone, and how thoroughly they measure.

    ``share`` of the usual seconds or operations is spent per round: a quick look is no evidence.
    """

    template: str
    folder: Path
    postgres_pid: int
    valkey_pid: int
    rounds: int
    share: float

    @contextmanager
    def database(self, **overrides: str) -> Iterator[dict[str, str]]:
        """The portal's environment on a fresh database, settings as in production."""
        with database.cloned(self.template) as name:
            metrics = Path(tempfile.mkdtemp(dir=self.folder))
            yield database.environment(
                name, DB_POOL_SIZE="5", LOG_LEVEL="INFO", PROMETHEUS_MULTIPROC_DIR=str(metrics), **overrides
            )


@contextmanager
def place(*, rounds: int, share: float) -> Iterator[Place]:
    """Start PostgreSQL and Valkey in a folder that goes afterwards."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="billing-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # PostgreSQL may run as another user when we are root
        postgres = PostgresServer(folder / "postgres", folder / "postgres.log")
        valkey = ValkeyServer(folder / "valkey", folder / "valkey.log")
        for server in (postgres, valkey):
            server.start()
            stack.callback(server.stop)
        os.environ[DATABASE_VARIABLE], os.environ[REDIS_VARIABLE] = postgres.url("postgres"), valkey.url()
        assert postgres.process is not None
        assert valkey.process is not None
        yield Place(database.make_template(), folder, postgres.process.pid, valkey.process.pid, rounds, share)


@dataclass(frozen=True)
class Server:
    """A gunicorn that answers on ``port``; its meter counts PostgreSQL and Valkey too."""

    port: int
    meter: Meter
    pid: int

    def sample(self, messages: Iterator[bytes], seconds: float, *, connections: int = load.CONNECTIONS) -> Sample:
        """Load it for so many seconds."""
        with self.meter.measuring() as measured:
            done = load.run(self.port, messages, seconds=seconds, connections=connections)
        return Sample(done.answered, done.seconds, measured.cpu_seconds, done.latencies)

    def memory(self) -> int:
        """Bytes that the server's processes hold for themselves, without PostgreSQL's and Valkey's."""
        process = psutil.Process(self.pid)
        return sum(each.memory_full_info().uss for each in (process, *process.children(recursive=True)))


@contextmanager
def gunicorn(at: Place, app: str, environment: Mapping[str, str], *, settings: str) -> Iterator[Server]:
    """Serve ``app`` with the settings file ``settings`` until the block ends."""
    port = free_port()
    variables = {**os.environ, **environment, "PORT": str(port)}
    with (at.folder / f"{app.replace(':', '-')}-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", settings, app], cwd=ROOT, env=variables, stdout=log, stderr=log
        )
    try:
        _await_port(port, process)
        yield Server(port, Meter(process.pid, at.postgres_pid, at.valkey_pid), process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("gunicorn does not answer")


def owner_of_new_tenant(environment: Mapping[str, str]) -> tuple[UUID, str]:
    """A tenant with one owner: its id and the owner's e-mail address."""
    app = create_app("web", settings=config.load(environment))
    with app.app_context():
        tenant_id = tenants.create("Acme Corp", "acme", "billing@acme.example")
        people.add_member(tenant_id, people.create_user("ada@acme.example", "Ada Lovelace", PASSWORD), "owner")
        database.dispose(app)
    return tenant_id, "ada@acme.example"


def sign_in(port: int, email: str) -> str:
    """Sign in as a browser does; returns the Cookie header."""
    base, browser = f"http://127.0.0.1:{port}", requests.Session()
    token = form_token(browser.get(f"{base}/sign-in", timeout=PATIENCE_SECONDS).text)
    form = {"csrf_token": token, "email": email, "password": PASSWORD}
    answer = browser.post(f"{base}/sign-in", data=form, timeout=PATIENCE_SECONDS, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    browser.get(f"{base}/invoices", timeout=PATIENCE_SECONDS).raise_for_status()  # its forms' token joins the cookie
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def owner_connection(environment: Mapping[str, str]) -> psycopg.Connection[tuple[object, ...]]:
    """A superuser's connection, for seeding: past row-level security, in bulk. Commits by itself."""
    return psycopg.connect(environment["DATABASE_URL"], autocommit=True)
