"""Slack's incoming webhooks: its few words, what it refuses, and what a person sees of it."""

import json
import time
from typing import Any

import pytest
import requests

from .conftest import Sandbox

PATH = "/services/T0001/B0001/abcDEF123"


def post(sandbox: Sandbox, body: Any, path: str = PATH) -> requests.Response:
    return requests.post(sandbox.url + path, json=body, timeout=10)


def test_a_message_is_ok_and_readable(sandbox: Sandbox) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Invoice paid"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Acme* paid 29.00 EUR"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "Number"}, {"type": "mrkdwn", "text": "INV-7"}]},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "http://x/"}],
        },
    ]
    answer = post(sandbox, {"text": "fallback", "blocks": blocks})
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (200, "ok", "text/html")
    message = sandbox.look("slack")["data"][0]
    assert message["read"] == ["Invoice paid", "*Acme* paid 29.00 EUR", "Number", "INV-7", "[Open] http://x/"]
    assert (message["channel"], message["webhook"]) == ("#general", PATH)
    page = requests.get(f"{sandbox.url}/slack", timeout=10).text
    assert "*Acme* paid 29.00 EUR" in page
    form = {"payload": json.dumps({"text": "by form <b>"})}
    assert requests.post(sandbox.url + PATH, data=form, timeout=10).text == "ok"
    assert "by form &lt;b&gt;" in requests.get(f"{sandbox.url}/slack", timeout=10).text


LONG = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 400, "no_text"),
        ({"text": ""}, 400, "no_text"),
        ({"text": 7}, 400, "invalid_payload"),
        (["text"], 400, "invalid_payload"),
        ({"blocks": [{"type": "divider"}] * 51}, 400, "invalid_blocks"),
        ({"blocks": [LONG]}, 400, "invalid_blocks"),
        ({"blocks": [{"text": "no type"}]}, 400, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}, 400, "invalid_blocks"),
        ({"text": "x", "attachments": [{"text": "y"}] * 101}, 400, "too_many_attachments"),
    ],
)
def test_what_slack_refuses(shared: Sandbox, body: Any, status: int, word: str) -> None:
    answer = post(shared, body)
    assert (answer.status_code, answer.text) == (status, word)


def test_no_json_and_no_service(sandbox: Sandbox) -> None:
    broken = requests.post(sandbox.url + PATH, data="text=hi", headers={"Content-Type": "text/plain"}, timeout=10)
    assert (broken.status_code, broken.text) == (400, "invalid_payload")
    nowhere = post(sandbox, {"text": "x"}, "/services/T1/B1")
    assert (nowhere.status_code, nowhere.text) == (404, "no_service")
    assert requests.get(sandbox.url + PATH, timeout=10).status_code == 405
    assert sandbox.look("slack")["data"] == []


def test_one_webhook_may_be_gone_and_another_have_its_channel(sandbox: Sandbox) -> None:
    gone, billing = "/services/T1/B1/gone", "/services/T1/B1/billing"
    sandbox.control("slack/webhooks", {"path": gone, "state": "channel_is_archived"})
    sandbox.control("slack/webhooks", {"path": billing, "channel": "#billing"})
    answer = post(sandbox, {"text": "x"}, gone)
    assert (answer.status_code, answer.text) == (410, "channel_is_archived")
    assert post(sandbox, {"text": "y"}, billing).text == "ok"
    assert [message["channel"] for message in sandbox.look("slack")["data"]] == ["#billing"]
    for wrong in ({"path": "/x"}, {"path": gone, "state": "asleep"}, {"path": gone, "name": "x"}, {}):
        sandbox.control("slack/webhooks", wrong, status=400)


def test_slack_has_moods(sandbox: Sandbox) -> None:
    sandbox.control("slack/mood", {"answers": ["rate_limited", "500"], "mode": "502", "times": 1})
    limited, broken, gateway, fine = (post(sandbox, {"text": str(number)}) for number in range(4))
    assert (limited.status_code, limited.text, limited.headers["Retry-After"]) == (429, "rate_limited", "30")
    assert (broken.status_code, broken.text) == (500, "rollup_error")
    assert (gateway.status_code, fine.text) == (502, "ok")
    sandbox.control("slack/mood", {"mode": "lost_answer", "times": 1})
    with pytest.raises(requests.ConnectionError):
        post(sandbox, {"text": "kept"})
    sandbox.control("slack/mood", {"mode": "drop", "times": 1})
    with pytest.raises(requests.ConnectionError):
        post(sandbox, {"text": "not kept"})
    assert [message["read"] for message in sandbox.look("slack")["data"]] == [["kept"], ["3"]]
    sandbox.control("slack/mood", {"mode": "slow", "seconds": 0.5, "times": 1})
    began = time.monotonic()
    assert post(sandbox, {"text": "slow"}).text == "ok"
    assert time.monotonic() - began > 0.4
    for wrong in ({"mode": "sulky"}, {"mode": "600"}, {"times": 0}, {"answers": "500"}, {"retry": 1}):
        sandbox.control("slack/mood", wrong, status=400)


def test_the_queue_of_faults_reaches_slack(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "POST /services/*", "mode": "drop_after_effect"})
    sandbox.control("fail", {"match": "POST /services/*", "mode": "503"})
    with pytest.raises(requests.ConnectionError):
        post(sandbox, {"text": "first"})
    assert post(sandbox, {"text": "second"}).status_code == 503
    assert post(sandbox, {"text": "third"}).text == "ok"
    assert [message["read"][0] for message in sandbox.look("slack")["data"]] == ["third", "first"]


def test_it_is_on_the_wire_and_in_snapshots(sandbox: Sandbox) -> None:
    post(sandbox, {"text": "kept"})
    entry = sandbox.look("wire?kind=outside")["data"][0]
    assert (entry["path"], entry["answer"]["status"], entry["answer"]["body"]) == (PATH, 200, "ok")
    sandbox.control("snapshots", {"name": "slack"})
    post(sandbox, {"text": "gone"})
    sandbox.control("snapshots/slack/restore")
    assert [message["read"] for message in sandbox.look("slack")["data"]] == [["kept"]]
    sandbox.control("reset")
    assert sandbox.look("slack")["data"] == []


def test_the_page_sets_the_mood_and_empties_the_list(sandbox: Sandbox) -> None:
    post(sandbox, {"text": "x"})
    requests.post(f"{sandbox.url}/slack/mood", {"mode": "no_service"}, timeout=10)
    assert post(sandbox, {"text": "y"}).text == "no_service"
    assert "no_service" in requests.get(f"{sandbox.url}/slack", timeout=10).text
    assert requests.post(f"{sandbox.url}/slack/mood", {"mode": "sulky"}, timeout=10).status_code == 400
    requests.post(f"{sandbox.url}/slack/clear", timeout=10)
    assert "No message yet." in requests.get(f"{sandbox.url}/slack", timeout=10).text
