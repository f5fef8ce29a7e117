"""Logs: one JSON object a line, with request id and tenant id, without secrets."""

import json
import logging
import re
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

REQUEST_ID = "X-Request-ID"
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Keys, tokens, passwords in URLs, card numbers: whatever slips into a message is masked here.
_SECRETS = re.compile(
    r"(\b(?:sk|rk|pk|whsec|bp)_(?:test_|live_)?[A-Za-z0-9]{6,})"
    r"|(?<=://)([^/@\s:]+:[^/@\s]+)(?=@)"
    r"|(\b(?:\d[ -]?){13,19}\b)"
    r"|((?<=/reset-password/)[^/?\s]+)"
    r"|(?i:(?<=password=)|(?<=token=)|(?<=authorization: ))(\S+)"
)
_EXTRA = (
    "event_id",
    "object_id",
    "outbox_key",
    "kind",
    "attempts",
    "duration_ms",
    "status",
    "method",
    "path",
)


def redact(text: str) -> str:
    """The text with everything that looks like a secret or a card number masked."""
    return _SECRETS.sub("[redacted]", text)


class JsonFormatter(logging.Formatter):
    """One JSON object per record; exceptions become a field, so that a line stays a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if has_request_context():
            entry["request_id"] = g.get("request_id", "")
            if tenant_id := g.get("tenant_id"):
                entry["tenant_id"] = str(tenant_id)
        entry.update({name: getattr(record, name) for name in _EXTRA if hasattr(record, name)})
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)


def init_logs(app: Flask) -> None:
    """Send the project's logs to standard error as JSON and give every request an id."""
    settings = app.extensions["settings"]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # Their lines carry whole URLs and bodies, or say four times that a bell was heard.
    for chatty in ("stripe", "urllib3", "weasyprint", "fontTools", "werkzeug", "rq.worker"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    app.before_request(_assign_request_id)
    app.after_request(_log_request)


def _assign_request_id() -> None:
    given = request.headers.get(REQUEST_ID, "")
    g.request_id = given if _VALID_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _log_request(response: Response) -> Response:
    response.headers[REQUEST_ID] = g.request_id
    if request.endpoint not in ("static", "ops.health", "ops.prometheus"):
        logging.getLogger("portal.requests").info(
            "request",
            extra={"method": request.method, "path": redact(request.path), "status": response.status_code},
        )
    return response
