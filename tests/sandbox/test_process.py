"""The process: how it starts, what it refuses, what it keeps."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
import requests

from sandbox.contract import load
from sandbox.engine.work import shown
from tests.support.sandbox import AUTH, running

from .conftest import ROOT, Sandbox, start
from .support import paid_session, product_with_price


def attempt(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_it_refuses_to_listen_to_the_world() -> None:
    refused = attempt("--host", "0.0.0.0", "--port", "0", "--smtp-port", "0")  # noqa: S104
    assert refused.returncode == 2
    assert "not a loopback address" in refused.stderr
    assert refused.stdout == ""


def test_what_only_some_need_does_not_make_everybody_wait() -> None:
    """Templates and the makers of PDFs are loaded when they are first used."""
    script = "import sys, sandbox.__main__; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"jinja2", "weasyprint", "jsonschema"} & set(loaded.stdout.split())


def test_a_taken_port_is_one_sentence(shared: Sandbox) -> None:
    port = shared.url.rsplit(":", 1)[1]
    refused = attempt("--port", port, "--smtp-port", "0")
    assert refused.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr.splitlines()[-1]
    mail = attempt("--port", "0", "--smtp-port", str(shared.smtp_port))
    assert (mail.returncode, "mailbox" in mail.stderr) == (2, True)


def test_options_come_from_the_environment_too() -> None:
    running = start(SANDBOX_SEED="7", SANDBOX_PUBLIC_URL="http://shop.test")
    assert running.look("health")["url"] == "http://shop.test"
    first = running.client.v1.products.create({"name": "seeded"}).id
    assert running.stop() == 0
    again = start("--seed", "7")
    assert again.account == running.account
    assert again.client.v1.products.create({"name": "seeded"}).id == first
    again.kill()


def test_a_connection_that_is_reset_on_demand_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with running() as box:  # its errors are this process's
        box.post("fail", match="GET /v1/*", mode="connection_reset")
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{box.url}/v1/customers", auth=AUTH, timeout=20)
        assert box.listed("customers") == []
    assert "Traceback" not in capfd.readouterr().err


def test_one_state_file_belongs_to_one_sandbox(tmp_path: Path) -> None:
    running = start("--state", str(tmp_path / "state"))
    refused = attempt("--port", "0", "--smtp-port", "0", "--state", str(tmp_path / "state"))
    assert refused.returncode == 2
    assert "another sandbox is using" in refused.stderr
    running.kill()


def test_links_follow_the_address(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    running = start("--state", state)
    _, price = product_with_price(running)
    session = running.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "http://127.0.0.1:9/",
        }
    )
    running.kill()
    moved = start("--state", state)
    url = moved.client.v1.checkout.sessions.retrieve(session.id).url
    assert url == f"{moved.url}/c/pay/{session.id}"
    assert requests.get(url, timeout=10).status_code == 200
    moved.kill()


def test_every_answered_request_survives_kill_9(tmp_path: Path) -> None:
    running = start("--state", str(tmp_path / "state"))
    answered = []
    for number in range(30):
        answered.append(running.client.v1.customers.create({"name": str(number)}).id)
    running.raw("POST", "/v1/customers", "name=keyed", Idempotency_Key="survives")
    running.control("clock", {"advance_seconds": 1000})
    running.kill()
    again = start("--state", str(tmp_path / "state"))
    listed = [found.id for found in again.client.v1.customers.list({"limit": 100}).data]
    assert listed[1:] == answered[::-1]
    replayed = again.raw("POST", "/v1/customers", "name=keyed", Idempotency_Key="survives")
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert again.look("health")["now"] - time.time() > 900
    again.kill()


def test_reset_keeps_the_account_and_nothing_else(sandbox: Sandbox) -> None:
    sandbox.client.v1.products.create({"name": "gone"})
    sandbox.control("clock", {"advance_seconds": 1000})
    sandbox.control("reset")
    assert sandbox.client.v1.accounts.retrieve_current().id == sandbox.account
    assert sandbox.client.v1.products.list().data == []
    assert sandbox.look("events")["data"] == []
    assert abs(sandbox.look("health")["now"] - time.time()) < 5


def test_the_state_holds_only_what_the_schema_allows(tmp_path: Path) -> None:
    """Checked by jsonschema, not by the sandbox's own checks: both must agree."""
    state = tmp_path / "state"
    running = start("--state", str(state))
    _, price = product_with_price(running)
    paid = paid_session(running, price.id)
    running.client.v1.refunds.create({"charge": running.client.v1.charges.list().data[0].id, "amount": 1})
    running.client.v1.subscriptions.cancel(paid["subscription"])
    running.stop()
    contract = load()
    checked = 0
    for line in state.read_text().splitlines():
        for kind, _, body in json.loads(line):
            if body is None or kind.startswith("_"):
                continue
            name = "EventBase" if kind == "event" else _definition(kind)
            schema = {"$ref": f"#/definitions/{name}", "definitions": contract.definitions}
            jsonschema.Draft7Validator(schema).validate(shown(body))
            checked += 1
            if kind == "event":
                inner = {**contract.events[body["type"]], "definitions": contract.definitions}
                jsonschema.Draft7Validator(inner).validate(body["data"]["object"])
    assert checked > 30


def _definition(kind: str) -> str:
    named = {"checkout.session": "Checkout.Session"}
    return named.get(kind, "".join(part.capitalize() for part in kind.split("_")))


@pytest.mark.parametrize(
    "path",
    [
        "health", "requests", "wire", "events", "mail", "deliveries", "webhook_endpoints", "fail", "snapshots",
        "slack", "netbox", "odoo", "hooks", "hooks/any",
    ],
)  # fmt: skip
def test_the_control_api_answers(shared: Sandbox, path: str) -> None:
    assert isinstance(shared.look(path), dict)
