"""The whole portal as processes: web, worker, ticker and a sandbox that delivers to it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from portal import config
from portal.app import create_app
from portal.billing import tenants
from portal.security import people
from tests.support import database, sandbox
from tests.support.database import WEBHOOK_SECRET
from tests.support.people import PASSWORD, Person
from tests.support.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "web": ["-m", "gunicorn", "-c", "portal/gunicorn_conf.py", "wsgi:app"],
    "worker": ["-m", "jobs.worker"],
    "ticker": ["-m", "jobs.ticker"],
}
PATIENCE_SECONDS = 180  # two busy cores start four processes


@dataclass
class LivePortal:
    """A running portal: its address, its settings, its processes by name."""

    url: str
    settings: config.Settings
    sandbox: Sandbox
    environment: dict[str, str]
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one of web, worker, ticker."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *COMMANDS[name]], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def kill(self, name: str) -> None:
        """End a process the hard way, as a power cut would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_SECONDS)

    def errors(self) -> list[str]:
        """What the processes logged as errors so far."""
        lines = (line for path in self.logs.glob("*.log") for line in path.read_text().splitlines())
        return [line for line in lines if '"level": "error"' in line]

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(PATIENCE_SECONDS)
        self.processes.clear()

    def await_health(self) -> None:
        """Wait until every part answers."""
        until = time.monotonic() + PATIENCE_SECONDS
        said = "nothing"
        while time.monotonic() < until:
            try:
                answer = requests.get(f"{self.url}/health", timeout=5)
                if answer.ok:
                    return
                said = answer.text
            except (requests.ConnectionError, requests.Timeout) as error:
                said = str(error)
            time.sleep(0.1)
        logs = "\n".join(path.read_text()[-2000:] for path in self.logs.glob("*.log"))
        raise AssertionError(f"/health said {said}\n{logs}")

    def await_quiet(self) -> None:
        """Wait until nothing is owed and nothing is wanted any more."""
        until = time.monotonic() + PATIENCE_SECONDS
        while open_work := database.open_work(self.settings):
            assert time.monotonic() < until, f"{open_work} pieces of work are still open"
            time.sleep(0.2)

    def person(self, language: str = "en", format_locale: str = "en_US") -> Person:
        """A new tenant with an owner who reads this language."""
        app = create_app("web", settings=self.settings)
        slug = f"live-{os.urandom(5).hex()}"
        speech = {"language": language, "format_locale": format_locale}
        with app.app_context():
            tenant_id = tenants.create("Acme Corp", slug, f"{slug}@example.com", **speech)
            user_id = people.create_user(f"{slug}@example.com", "Ada Lovelace", PASSWORD, **speech)
            people.add_member(tenant_id, user_id, "owner")
            database.dispose(app)
        return Person(user_id, f"{slug}@example.com", PASSWORD, tenant_id)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(template: str) -> Iterator[LivePortal]:
    """The portal's processes on a database cloned from ``template``, and a sandbox of their own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        deliveries = ("--webhook-url", f"{url}/webhooks/stripe", "--webhook-secret", WEBHOOK_SECRET)
        box = stack.enter_context(sandbox.running(*deliveries))
        name = stack.enter_context(database.cloned(template))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        variables = database.environment(
            name,
            PUBLIC_URL=url,
            PORT=str(port),
            REDIS_URL=database.redis_url(1),  # the bells of tests in this process ring elsewhere
            SMTP_STARTTLS="off",
            DB_POOL_SIZE="5",
            PROMETHEUS_MULTIPROC_DIR=str(logs / "prometheus"),
            **box.environment(),
        )
        environment = {**os.environ, **variables, "PYTHONFAULTHANDLER": "1"}  # SIGABRT tells where a process stands
        portal = LivePortal(url, config.load(variables), box, environment, logs)
        database.publish(portal.settings)
        stack.callback(portal.stop)
        for process in COMMANDS:
            portal.start(process)
        portal.await_health()
        yield portal
