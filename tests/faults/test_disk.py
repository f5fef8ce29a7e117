"""The database's disk fills up in the middle of a purchase: a clear answer, nothing half-done, and then it goes on."""

import os
import subprocess
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


@pytest.fixture(name="disk")
def fixture_disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, for whoever may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    tmp_path.chmod(0o711)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=711", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("this machine does not let us make a small disk")
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


def test_a_full_disk_is_told_and_survived(settings: config.Settings, disk: Path, stripe_sandbox: Sandbox) -> None:
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
