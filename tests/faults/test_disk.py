"""The database's disk fills up in the middle of a purchase: a clear answer, nothing half-done, and then it goes on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueprints import PAGES
from portal import config
from portal.app import create_app
from portal.embedded.postgres import PostgresServer
from tests.support import database, html, people, services
from tests.support.sandbox import Sandbox

MEGABYTES = 220
CHUNK = 2**20
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


def _mount(folder: Path, *within: str) -> bool:
    """Put a small disk of its own there; whether we may."""
    folder.mkdir(exist_ok=True)
    disk = ("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=711", "none", str(folder))
    return subprocess.run([*within, *disk], capture_output=True, check=False).returncode == 0


def _passes_in_a_namespace(request: pytest.FixtureRequest, folder: Path) -> None:
    """The same test, as the root of a user namespace: what an ordinary user may be on most machines."""
    options = ("-q", "-p", "no:xdist", "-p", "no:cacheprovider", f"--basetemp={folder}")
    command = [*NAMESPACE, sys.executable, "-m", "pytest", *options, request.node.nodeid]
    done = subprocess.run(command, cwd=request.config.rootpath, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert " passed" in done.stdout


@pytest.fixture(name="disk")
def fixture_disk(tmp_path: Path) -> Iterator[Path]:
    tmp_path.chmod(0o711)
    folder = tmp_path / "disk"
    assert _mount(folder)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(name="settings")
def fixture_settings(disk: Path, stripe_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[config.Settings]:
    """A portal whose database lies on that disk."""
    server = PostgresServer(disk / "postgres", disk.parent / "postgres.log")
    server.start()
    monkeypatch.setenv(services.DATABASE_VARIABLE, server.url("postgres"))
    try:
        yield config.load(database.environment(database.make_template(), **stripe_sandbox.environment()))
    finally:
        server.stop()


def _fill(disk: Path) -> Path:
    file = disk / "full"
    with file.open("wb", buffering=0) as target:
        for size in (CHUNK, 4096):
            try:
                while target.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return file


def test_a_full_disk_is_told_and_survived(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    if _mount(probe):
        subprocess.run(["umount", str(probe)], check=True)
        _fill_up_and_make_room(*map(request.getfixturevalue, ("settings", "disk", "stripe_sandbox")))
    elif _mount(probe, *NAMESPACE):  # it is gone with the namespace
        _passes_in_a_namespace(request, tmp_path / "inside")
    else:
        pytest.skip("this machine does not let us make a small disk")


def _fill_up_and_make_room(settings: config.Settings, disk: Path, stripe_sandbox: Sandbox) -> None:
    database.publish(settings)
    app = people.prepare(create_app("web", settings=settings, blueprints=PAGES))
    with app.app_context():
        person = people.member()
    browser = people.browser(app, person)
    token = browser.token("/plans")
    form = {"csrf_token": token, "plan_id": "starter", "interval": "month"}
    # What PostgreSQL has at hand is used up first: its log is written in files that are there already.
    full = _fill(disk)
    requests = ({"csrf_token": token, "email": f"{number}@example.com"} for number in range(400))
    assert any(browser.post("/forgot-password", data=request).status_code == 503 for request in requests)
    refused = browser.post("/checkout", data=form)
    assert refused.status_code == 503
    assert html.parse(refused.text).one("h1").text == "The portal cannot answer right now."
    os.unlink(full)
    answers = (browser.post("/checkout", data=form) for _try in range(100))
    answer = next(answer for answer in answers if answer.status_code == 303)
    assert answer.location.startswith(stripe_sandbox.url)
    query = "SELECT count(*) AS n FROM checkouts WHERE tenant_id = :tenant"
    assert database.as_owner(settings, query, tenant=person.tenant_id) == [{"n": 1}]
    with app.app_context():
        database.dispose(app)
