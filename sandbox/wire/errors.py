"""Stripe's error envelope and the HTTP status of each kind of refusal."""

from dataclasses import dataclass, field
from typing import Any

from ..errors import CardRefused, LockTimeout, NotModelled, Refusal, ResourceMissing

_DOCS = "https://stripe.com/docs/error-codes/"


@dataclass(slots=True)
class Answer:
    """What goes back: a status, the JSON body as text, extra headers."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class WireError(Exception):
    """A refusal of the front door itself: authentication, rate limit, idempotency, the sandbox's own bug."""

    def __init__(
        self,
        status: int,
        error_type: str,
        message: str,
        *,
        code: str | None = None,
        retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = error_type
        self.message = message
        self.code = code
        self.retry = retry


def answer_of(error: Exception, request_id: str, public_url: str) -> Answer:
    """The answer to a refused request."""
    headers: dict[str, str] = {}
    if isinstance(error, WireError):
        status, fields = error.status, {"type": error.type, "message": error.message, "code": error.code}
        if error.retry is not None:
            headers["Stripe-Should-Retry"] = "true" if error.retry else "false"
    elif isinstance(error, Refusal):
        status, fields = status_of(error), _fields_of(error)
    else:
        # Its own bug: retrying would only repeat it.
        headers["Stripe-Should-Retry"] = "false"
        message = f"The sandbox is wrong: {type(error).__name__}: {error}"
        status, fields = 500, {"type": "api_error", "message": message}
    body = {key: value for key, value in fields.items() if value is not None}
    if body.get("code"):
        body["doc_url"] = _DOCS + body["code"].replace("_", "-")
    body["request_log_url"] = f"{public_url}/#{request_id}"
    return Answer(status, {"error": dict(sorted(body.items()))}, headers)


def is_kept(error: Refusal) -> bool:
    """Whether an idempotency key keeps this answer: only once execution began.

    A refusal that names a parameter is a validation error; Stripe does not keep those.
    """
    return isinstance(error, CardRefused) or (error.param is None and not isinstance(error, NotModelled | LockTimeout))


def status_of(error: Refusal) -> int:
    """402 for a refused card, 404 when the path names nothing, 429 when the object is busy, else 400."""
    if isinstance(error, CardRefused):
        return 402
    if isinstance(error, LockTimeout):
        return 429
    return 404 if isinstance(error, ResourceMissing) and error.in_path else 400


def _fields_of(error: Refusal) -> dict[str, Any]:
    return {
        "type": error.type,
        "code": error.code,
        "param": error.param,
        "message": error.message,
        **error.extra,
    }
