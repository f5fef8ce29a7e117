"""Slack's incoming webhooks: POST /services/T…/B…/…, plain-text answers, and what Slack refuses.

Errors and statuses: api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks and
docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. Limits of blocks: docs.slack.dev, Block Kit.
Assumed: the text of a 429, and that a webhook nobody set up otherwise is there and active.
"""

import json
import re
import time
from typing import Any

from werkzeug.wrappers import Request, Response

from ..engine.work import Obj, Work
from ..store import Store
from .tables import Row, Table

KIND = "_slack"
WEBHOOKS = "_slack_webhook"
MOOD = "slack"
# A webhook's fate, and the mode of the whole Slack: what it says, with which status.
REFUSALS = {
    "invalid_payload": 400, "user_not_found": 400, "no_text": 400, "invalid_blocks": 400,
    "too_many_attachments": 400, "invalid_token": 403, "action_prohibited": 403, "no_team": 404,
    "no_service": 404, "channel_not_found": 404, "channel_is_archived": 410, "rate_limited": 429,
    "rollup_error": 500,
}  # fmt: skip
_WORD_OF = {"429": "rate_limited", "500": "rollup_error"}
_PATH = re.compile(r"/services/T\w+/B\w+/\w+")
_KEPT = 500
_RETRY_AFTER = 30
_MOST_BLOCKS, _MOST_ATTACHMENTS = 50, 100
_LONGEST_SECTION, _LONGEST_HEADER, _MOST_FIELDS, _LONGEST_FIELD = 3000, 150, 10, 2000


class _Refused(Exception):
    """Slack says no; its word is the message."""


class Slack:
    """Answers whatever comes to /services/."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def owns(self, _method: str, path: str) -> bool:
        """Every path under /services/."""
        return path.startswith("/services/")

    def mood_key(self, _path: str) -> str:
        """Slack as a whole has one mood."""
        return MOOD

    def answer(self, request: Request, mode: str) -> Response:
        """`ok`, or Slack's word for what is wrong."""
        if request.method != "POST":
            return Response("", status=405)
        word = _WORD_OF.get(mode, mode)
        if word in REFUSALS:
            return _said(word, REFUSALS[word])
        if word.isdigit() and not word.startswith("2"):
            return _said("error", int(word))
        try:
            with self._store.transaction() as work:
                self._take(work, request)
        except _Refused as error:
            return _said(str(error), REFUSALS[str(error)])
        return _said("ok", 200)

    def _take(self, work: Work, request: Request) -> None:
        if not _PATH.fullmatch(request.path):
            raise _Refused("no_service")
        webhook = webhook_of(work, request.path)
        if webhook["state"] != "active":
            raise _Refused(webhook["state"])
        payload = _payload(request)
        _check(payload)
        table = Table(work, KIND)
        table.insert(
            {
                "webhook": request.path,
                "channel": webhook["channel"],
                "received_at": time.time(),
                "payload": payload,
            }
        )
        table.keep_newest(_KEPT)


def webhook_of(work: Work, path: str) -> Obj:
    """The webhook of that path: `channel` and `state`, active unless set otherwise."""
    return work.find(WEBHOOKS, path) or {"id": path, "channel": "#general", "state": "active"}


def set_webhook(work: Work, given: dict[str, Any]) -> Obj:
    """Sets `channel` and `state` (active, or one of Slack's words) of the webhook `path`; ValueError when wrong."""
    path, state = str(given["path"]), str(given.get("state", "active"))
    if not _PATH.fullmatch(path):
        raise ValueError("path is /services/T…/B…/…")
    if state not in ("active", *REFUSALS):
        raise ValueError(f"state is active, {', '.join(REFUSALS)}")
    known = webhook_of(work, path)
    return work.add(WEBHOOKS, {**known, "channel": str(given.get("channel", known["channel"])), "state": state})


def readable(payload: dict[str, Any]) -> list[str]:
    """What a person would read of a message, paragraph by paragraph."""
    parts = [str(payload["text"])] if payload.get("text") and not payload.get("blocks") else []
    for block in payload.get("blocks") or []:
        parts += _texts(block)
    for attachment in payload.get("attachments") or []:
        parts += [str(attachment[name]) for name in ("pretext", "title", "text", "fallback") if attachment.get(name)]
        parts += [f"{each.get('title', '')}: {each.get('value', '')}" for each in attachment.get("fields") or []]
        for block in attachment.get("blocks") or []:
            parts += _texts(block)
    return parts


def _texts(block: dict[str, Any]) -> list[str]:
    inside = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or []), block.get("accessory")]
    found = []
    for part in inside:
        text = part.get("text") if isinstance(part, dict) else part
        text = text.get("text") if isinstance(text, dict) else text
        if isinstance(text, str) and text:
            link = part.get("url") if isinstance(part, dict) else None
            found.append(f"[{text}] {link}" if link else text)
    return found


def _payload(request: Request) -> Row:
    """The message: JSON as the body, or in the field `payload` of a form."""
    text = request.form.get("payload", "") if request.form else request.get_data(as_text=True)
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise _Refused("invalid_payload") from error
    if not isinstance(payload, dict):
        raise _Refused("invalid_payload")
    return payload


def _check(payload: Row) -> None:
    text, blocks, attachments = payload.get("text"), payload.get("blocks"), payload.get("attachments")
    if text is not None and not isinstance(text, str):
        raise _Refused("invalid_payload")
    if not (text or blocks or attachments):
        raise _Refused("no_text")
    if blocks is not None and not (
        isinstance(blocks, list) and len(blocks) <= _MOST_BLOCKS and all(map(_fits, blocks))
    ):
        raise _Refused("invalid_blocks")
    if attachments is not None and (not isinstance(attachments, list) or len(attachments) > _MOST_ATTACHMENTS):
        raise _Refused("too_many_attachments")


def _are_blocks(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= _MOST_BLOCKS and all(_fits(block) for block in value)


def _fits(block: Any) -> bool:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        return False
    if block["type"] == "header":
        return _is_text(block.get("text"), _LONGEST_HEADER, ("plain_text",))
    if block["type"] == "section":
        fields = block.get("fields", [])
        return (
            (_is_text(block.get("text"), _LONGEST_SECTION) if "text" in block else bool(fields))
            and isinstance(fields, list)
            and len(fields) <= _MOST_FIELDS
            and all(_is_text(each, _LONGEST_FIELD) for each in fields)
        )
    return True


def _is_text(value: Any, longest: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> bool:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        return False
    text = value.get("text")
    return isinstance(text, str) and 1 <= len(text) <= longest


def _said(word: str, status: int) -> Response:
    headers = {"Retry-After": str(_RETRY_AFTER)} if status == 429 else {}
    return Response(word, status=status, headers=headers, content_type="text/html")
