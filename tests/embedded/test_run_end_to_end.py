"""`./run` from an empty folder to a portal that answers, through deaths of its parts, to nothing left."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from portal.embedded import ports, processes

ROOT = Path(__file__).parents[2]
START_SECONDS = 150
NAMES = ("web", "worker", "ticker", "sandbox", "valkey", "postgres")
# Settings of the machine that these tests run on must not reach the portal under test.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "STRIPE_API_KEY", "SMTP_HOST", "PORT", "HOST", "PUBLIC_URL")


class Portal:
    """A portal under test: its process, its folder, its address."""

    def __init__(self, var: Path, port: int) -> None:
        self.var = var
        self.port = port
        self.output = var / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self):
        mine = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return mine | {"RUN_VENV": sys.prefix, "RUN_VAR": str(self.var)}

    def start(self):
        with self.output.open("wb") as output:
            command = [str(ROOT / "run"), "--port", str(self.port)]
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env=self.environment())
        deadline = time.monotonic() + START_SECONDS
        while "Stop with Ctrl-C" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def said(self):
        return self.output.read_text()

    def run(self, *arguments, **more):
        command, environment = [str(ROOT / "run"), *arguments], self.environment() | more
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=90)

    def pid(self, name):
        return json.loads((self.var / "run" / f"{name}.json").read_text())["pid"]

    def health(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as answer:
            return answer.status

    def well_again(self, seconds=40):
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                return self.health() == 200
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.2)

    def restarted(self, name, former):
        deadline = time.monotonic() + 20
        while self.pid(name) == former:
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    portal = Portal(tmp_path_factory.mktemp("portal"), ports.any_free())
    # The sandbox's usual ports may be in use by a portal of whoever runs these tests.
    (portal.var / "sandbox").mkdir()
    for name in ("port", "smtp-port"):
        ports.kept(portal.var / "sandbox" / name)
    portal.start()
    yield portal
    if portal.process.poll() is None:
        portal.process.send_signal(signal.SIGTERM)
        portal.process.wait(60)


def test_it_answers_and_shows_addresses_and_logins(portal):
    assert portal.health() == 200
    demo = json.loads((portal.var / "demo.json").read_text())
    said = portal.said()
    assert f"http://127.0.0.1:{portal.port}" in said
    assert demo["sandbox_url"] in said
    for login in [*demo["tenants"], demo["staff"]]:
        assert re.search(rf"{re.escape(login['email'])} +{re.escape(login['password'])}", said)


def test_what_it_wrote_is_for_our_eyes_only(portal):
    for name in ("env", "secrets"):
        assert (portal.var / name).stat().st_mode & 0o077 == 0


def test_no_secret_is_among_the_arguments_of_a_process(portal):
    secrets = (portal.var / "secrets").read_text().split()
    for name in NAMES:
        arguments = Path(f"/proc/{portal.pid(name)}/cmdline").read_text()
        assert not [line for line in secrets if line.partition("=")[2] in arguments]


def test_a_second_start_is_refused_with_the_address(portal):
    second = portal.run()
    assert second.returncode == 1
    assert f"running already at http://127.0.0.1:{portal.port}" in second.stderr


def test_the_doctor_finds_everything_well(portal):
    examined = portal.run("doctor")
    assert examined.returncode == 0, examined.stdout
    for part in ("Web", "Migrations", "Worker", "Ticker", "database", "redis", "stripe", "smtp"):
        assert part in examined.stdout


def test_flask_commands_reach_the_running_servers(portal):
    checked = portal.run("flask", "check")
    assert {part["name"] for part in json.loads(checked.stdout)} >= {"database", "redis"}


def test_the_doctor_tells_of_a_redis_that_hangs_and_what_to_do(portal):
    os.kill(portal.pid("valkey"), signal.SIGSTOP)  # a killed one would be started again before it is examined
    try:
        examined = portal.run("doctor")
    finally:
        os.kill(portal.pid("valkey"), signal.SIGCONT)
    assert examined.returncode == 1, examined.stdout
    assert re.search(r"✗ Portal: redis .*\n +Is REDIS_URL right and that server up\?", examined.stdout)
    assert re.search(r"✓ Portal: database ", examined.stdout)


def test_the_doctor_tells_of_a_mail_server_that_is_away_and_what_to_do(portal):
    examined = portal.run("doctor", SMTP_PORT="1")
    assert examined.returncode == 1, examined.stdout
    assert re.search(r"✗ Portal: smtp .*\n +Check SMTP_HOST, SMTP_PORT and the login", examined.stdout)
    assert "1 fault." in examined.stdout


@pytest.mark.parametrize("name", ["worker", "ticker", "sandbox", "web", "valkey", "postgres"])
def test_a_killed_part_is_started_again(portal, name):
    former = portal.pid(name)
    os.kill(former, signal.SIGKILL)
    portal.restarted(name, former)
    assert f"{name} was ended by SIGKILL; starting it again" in portal.said()
    assert portal.well_again()


def test_after_kill_9_of_the_whole_the_next_start_recovers_and_keeps_the_data(portal):
    secrets = (portal.var / "secrets").read_text()
    demo = json.loads((portal.var / "demo.json").read_text())
    portal.process.kill()
    portal.process.wait()
    portal.start()
    assert portal.health() == 200
    assert (portal.var / "secrets").read_text() == secrets
    again = json.loads((portal.var / "demo.json").read_text())
    assert [tenant["tenant_id"] for tenant in again["tenants"]] == [tenant["tenant_id"] for tenant in demo["tenants"]]


def test_ctrl_c_leaves_nothing(portal):
    known = {portal.pid(name): processes.identity(portal.pid(name)) for name in NAMES}
    portal.process.send_signal(signal.SIGINT)
    assert portal.process.wait(60) == 0, portal.said()
    assert [pid for pid, identity in known.items() if identity and processes.identity(pid) == identity] == []
    assert list((portal.var / "run").glob("*.json")) == []
    assert "Traceback" not in portal.said()
