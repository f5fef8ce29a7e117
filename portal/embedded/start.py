"""`./run`: every part in the order in which they need each other, then watching them until Ctrl-C."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import FrameType

from portal.embedded import demo, environment, lock, neighbours, pango, ports, preflight, supervisor
from portal.embedded.console import Console, Step
from portal.embedded.places import Places
from portal.embedded.postgres import PostgresServer
from portal.embedded.refusals import Refusal, last_lines
from portal.embedded.supervisor import Child, Supervisor
from portal.embedded.valkey import ValkeyServer

DEFAULT_PORT = 8000
SANDBOX_PORT = 12111
MAILBOX_PORT = 12125
_HEALTH_SECONDS = 120.0
_SANDBOX_SECONDS = 60.0
_TEND_SECONDS = 0.2
# A proxy that the shell names knows nothing of our loopback addresses.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Stopped(BaseException):
    """Somebody asked us to end: Ctrl-C, SIGTERM or a closed terminal."""


class Start:
    """One start of the portal in a checkout, on a port (None: `PORT`, else 8000)."""

    def __init__(self, places: Places, console: Console, port: int | None) -> None:
        self._places = places
        self._console = console
        self._given = environment.given(places.root / ".env")
        self._host = self._given.get("HOST", ports.LOOPBACK)
        self._port = port or _port(self._given.get("PORT"))
        self._address = f"http://{_reachable(self._host)}:{self._port}"
        self._environment: dict[str, str] = {}
        self._supervisor = Supervisor(places.run, console)
        self._began = time.monotonic()

    def run(self) -> int:
        """Starts everything and watches it. Gives the exit code; Refusal is for what a person can mend."""
        preflight.check_folder(self._places.var)
        with lock.held(self._places.run, self._address):
            _raise_on_signals()
            try:
                self._start_everything()
                self._show_result()
                while True:
                    self._supervisor.tend()
                    time.sleep(_TEND_SECONDS)
            except Stopped:
                self._console.line()
                return 0
            finally:
                self._end()

    def _start_everything(self) -> None:
        self._console.heading("Billing portal")
        if ended := supervisor.end_leftovers(self._places.run):
            self._console.done(f"ended what a killed run had left: {', '.join(ended)}")
        preflight.check_port(self._host, self._port)
        preflight.check_stripe(self._given)
        self._rotate_logs()
        self._compose_environment()
        self._find_pango()
        self._start_postgres()
        self._start_valkey()
        self._start_sandbox()
        environment.write(self._places.env, self._environment)
        demo_wanted = self._environment["PORTAL_ENV"] != "production"
        extra = ("--demo", str(self._places.demo)) if demo_wanted else ()
        self._flask("Database", "setup", *extra, note="tables, plans and demo" if demo_wanted else "tables and plans")
        self._start_portal()

    def _compose_environment(self) -> None:
        metrics = self._places.var / "prometheus"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(parents=True)
        made = environment.generated(self._places.secrets)
        unproxied = ",".join(filter(None, [os.environ.get("NO_PROXY"), ports.LOOPBACK, "localhost"]))
        self._environment = {
            "NO_PROXY": unproxied,
            "no_proxy": unproxied,
            "PORTAL_ENV": "development",
            "PUBLIC_URL": self._address,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "SECRET_KEY": made["SECRET_KEY"],
            **self._given,
            "HOST": self._host,
            "PORT": str(self._port),
        }

    def _find_pango(self) -> None:
        if self._environment.get("PORTAL_PDF") == "off":
            return
        with self._console.step("PDF") as step:
            found = pango.prepare(self._places.system, self._places.root, self._places.log("install"))
            self._environment |= found.variables
            step.skipped = not found.found
            step.note = f"Pango {found.note}" if found.found else f"Pango is {found.note}"

    def _start_postgres(self) -> None:
        with self._console.step("PostgreSQL") as step:
            if "DATABASE_URL" in self._given:
                step.note = "yours (DATABASE_URL)"
                return
            server = PostgresServer(self._places.var / "postgres", self._places.log("postgres"))
            self._supervisor.start(server)
            self._environment["DATABASE_URL"] = server.url()
            step.note = f"{ports.LOOPBACK}:{server.port}"

    def _start_valkey(self) -> None:
        with self._console.step("Valkey") as step:
            if "REDIS_URL" in self._given:
                step.note = "yours (REDIS_URL)"
                return
            server = ValkeyServer(self._places.var / "valkey", self._places.log("valkey"))
            self._supervisor.start(server)
            self._environment["REDIS_URL"] = server.url()
            step.note = f"{ports.LOOPBACK}:{server.port}"

    def _start_sandbox(self) -> None:
        with self._console.step("Stripe") as step:
            if "STRIPE_API_KEY" in self._given:
                step.note = "yours (STRIPE_API_KEY)"
                return
            ready = self._started_sandbox()
            self._environment["STRIPE_API_BASE"] = ready["url"]
            if "SMTP_HOST" not in self._given:
                mailbox = {"SMTP_HOST": ports.LOOPBACK, "SMTP_PORT": str(ready["smtp_port"])}
                self._environment |= {**mailbox, "SMTP_STARTTLS": "off"}
            self._meet_neighbours(ready["url"])
            step.note = f"sandbox at {ready['url']}"

    def _meet_neighbours(self, sandbox_url: str) -> None:
        """Sources of usage for the demo, beside those that the user has; without them the portal is as well."""
        if not any(name.startswith(("NETBOX_", "ODOO_")) for name in self._given):
            with contextlib.suppress(OSError):
                neighbours.furnish(sandbox_url)
                self._environment |= neighbours.settings(sandbox_url)

    def _started_sandbox(self) -> dict[str, str]:
        home = self._places.var / "sandbox"
        made = environment.generated(self._places.secrets)
        self._environment |= {name: value for name, value in made.items() if name not in self._given}
        arguments = ["-m", "sandbox", "--state", str(home / "state")]
        arguments += ["--port", str(ports.kept(home / "port", SANDBOX_PORT))]
        arguments += ["--smtp-port", str(ports.kept(home / "smtp-port", MAILBOX_PORT))]
        arguments += ["--webhook-url", f"{self._address}/webhooks/stripe"]
        # By environment: everybody on the machine can read the arguments of a process.
        secret = {"SANDBOX_WEBHOOK_SECRET": self._environment["STRIPE_WEBHOOK_SECRET"].split(",")[0]}
        sandbox = self._child("sandbox", arguments, secret)
        offset = sandbox.log.stat().st_size if sandbox.log.exists() else 0
        self._supervisor.start(sandbox)
        deadline = time.monotonic() + _SANDBOX_SECONDS
        while time.monotonic() < deadline:
            for line in sandbox.log.read_bytes()[offset:].splitlines():
                if line.startswith(b'{"url"'):
                    return dict(json.loads(line))
            self._pause()
        raise Refusal(f"The sandbox was not ready in {_SANDBOX_SECONDS:.0f} seconds; see {sandbox.log}.")

    def _start_portal(self) -> None:
        with self._console.step("Portal") as step:
            for name in ("ticker", "worker"):
                self._supervisor.start(self._child(name, ["-m", f"jobs.{name}"]))
            web = self._child("web", ["-m", "gunicorn", "-c", "portal/gunicorn_conf.py", "wsgi:app"])
            self._supervisor.start(web)
            self._await_health(web, step)

    def _await_health(self, web: Child, step: Step) -> None:
        deadline = time.monotonic() + _HEALTH_SECONDS
        said = "nothing"
        while time.monotonic() < deadline:
            try:
                with _DIRECT.open(f"{self._address}/health", timeout=5):
                    step.note = "web, worker and ticker run"
                    return
            except urllib.error.HTTPError as error:
                said = f"{error.code} {error.read(300).decode(errors='replace')}"
            except OSError:
                pass
            self._pause()
        raise Refusal(f"The portal is not well after {_HEALTH_SECONDS:.0f} s; /health said {said}; see {web.log}.")

    def _pause(self) -> None:
        self._supervisor.tend()
        time.sleep(0.1)

    def _child(self, name: str, arguments: list[str], extra: dict[str, str] | None = None) -> Child:
        return Child(name, arguments, self._environment | (extra or {}), self._places.log(name), self._places.root)

    def _flask(self, title: str, *command: str, note: str) -> None:
        """Runs one of the portal's own commands. Raises Refusal with its last words when it fails."""
        log = self._places.log(command[0])
        with self._console.step(title) as step, log.open("wb") as file:
            done = subprocess.run(
                [sys.executable, "-m", "flask", "--app", "wsgi", *command],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=self._places.root,
                env=os.environ | self._environment,
                start_new_session=True,
                check=False,
            )
            step.note = note if done.returncode == 0 else "failed"
            if done.returncode:
                raise Refusal(f"`flask {command[0]}` failed; {log} ends with:\n{last_lines(log)}")

    def _rotate_logs(self) -> None:
        """Begins new logs and keeps those of one run before: what is written stays bounded by two runs."""
        folder = self._places.log("any").parent
        folder.mkdir(parents=True, exist_ok=True)
        for log in folder.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def _show_result(self) -> None:
        console, sandbox = self._console, self._environment.get("STRIPE_API_BASE")
        console.line()
        console.heading(f"Ready in {time.monotonic() - self._began:.1f} s")
        demo.show(console, self._places.demo, self._environment["PUBLIC_URL"], sandbox)
        logs = self._places.shown(self._places.log("any").parent)
        console.line(f"  Stop with Ctrl-C. Look after it with ./run doctor. Logs are in {logs}/.")

    def _end(self) -> None:
        # A second Ctrl-C must not leave half of the parts running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self._supervisor.has_parts:
            with self._console.step("Stopped"):
                self._supervisor.stop(together=("web", "worker", "ticker"))


def _raise_on_signals() -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Refusal(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _reachable(host: str) -> str:
    """The address at which we ourselves reach a server that listens at `host`."""
    return ports.LOOPBACK if host in {"0.0.0.0", "", "::"} else host  # noqa: S104 - compared, not bound
