"""Logs: one JSON object a line, with request id and tenant id, without secrets."""

import json
import logging
import re
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Flask, Response, g, has_app_context, has_request_context, request

TenantOf = Callable[[], UUID | None]

REQUEST_ID = "X-Request-ID"
_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Keys, tokens, passwords in URLs, card numbers: whatever slips into a message is masked here.
_SECRETS = re.compile(
    r"((?<![A-Za-z0-9])(?:sk|rk|pk|whsec|bp)_(?:test_|live_)?[A-Za-z0-9_]{6,})"
    r"|(?<=://)([^/@\s:]+:[^/@\s]+)(?=@)"
    r"|(\b(?:\d[ -]?){13,19}\b)"
    r"|((?<=/reset-password/)[^/?\s]+)"
    r"|(?i:(?<=password=)|(?<=token=)|(?<=authorization: ))(\S+)"
)
# PostgreSQL repeats in the detail of an error what people typed: addresses, names, whole rows, line breaks and all.
_ROW_VALUES = re.compile(
    r"(?:(?<=DETAIL:)|(?<=DETALLE:)|(?<=DETALHE:)).+?"
    r"(?=\n(?:HINT:|CONTEXT:|\[SQL: |\(Background on |\nThe above exception |\nDuring handling )|\Z)",
    re.DOTALL,
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
    """The text with whatever looks like a secret or a card number masked, and the rows in PostgreSQL's errors."""
    return _SECRETS.sub("[redacted]", _ROW_VALUES.sub(" [redacted]", text))


class JsonFormatter(logging.Formatter):
    """One JSON object per record; exceptions become a field, so that a line stays a line.

    ``tenant`` says whose work is done when the record does not (``extra``) and no request does.
    """

    def __init__(self, tenant: TenantOf = lambda: None) -> None:
        super().__init__()
        self._tenant = tenant

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if has_request_context():
            entry["request_id"] = g.get("request_id", "")
        if tenant_id := self._tenant_id(record):
            entry["tenant_id"] = str(tenant_id)
        entry.update({name: getattr(record, name) for name in _EXTRA if hasattr(record, name)})
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)

    def _tenant_id(self, record: logging.LogRecord) -> UUID | None:
        given: UUID | None = getattr(record, "tenant_id", None)
        if given is None and has_app_context():
            given = g.get("tenant_id") or self._tenant()
        return given


def init_logs(app: Flask, tenant: TenantOf = lambda: None) -> None:
    """Send the project's logs to standard error as JSON and give every request an id.

    ``tenant`` names the tenant that is bound now; asked with an app context only.
    """
    settings = app.extensions["settings"]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(tenant))
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
