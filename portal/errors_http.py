"""Failures as answers: a page in the reader's language, a toast for htmx, a problem document for the API.

Every answer names the request id, so that a person can quote it and staff can find the log lines.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from portal import templating
from portal.errors import DomainError
from portal.i18n import gettext, lazy_gettext
from portal.money import Amount
from portal.security.redirects import safe_path
from portal.templating import is_htmx, is_partial, with_toast

_log = logging.getLogger(__name__)
_LOST_CONNECTION_CLASSES = ("08", "53", "57")  # SQLSTATE: connection, resources, operator intervention


@dataclass(frozen=True)
class Problem:
    """What went wrong, ready to be shown: texts are message ids (or lazy), ``params`` fill them.

    ``is_outage``: the page must stand without the database and without knowing who asks.
    """

    status: int
    code: str
    message: Any
    remedy: Any = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_outage: bool = False


_HTTP_PROBLEMS = {
    400: (
        "bad_request",
        lazy_gettext("We could not read this request."),
        lazy_gettext("Go back and try again."),
    ),
    401: ("unauthorized", lazy_gettext("Please sign in."), lazy_gettext("You will come back to this page.")),
    403: (
        "forbidden",
        lazy_gettext("You may not do this."),
        lazy_gettext("Ask an owner of your organisation to do it or to change your role."),
    ),
    404: (
        "not_found",
        lazy_gettext("We could not find this page."),
        lazy_gettext("Check the address, or go back to the overview."),
    ),
    405: (
        "method_not_allowed",
        lazy_gettext("This address cannot be used in this way."),
        lazy_gettext("Open the page again and use its buttons."),
    ),
    413: (
        "too_large",
        lazy_gettext("What was sent is too large."),
        lazy_gettext("Send at most 1 MB."),
    ),
    429: (
        "too_many_requests",
        lazy_gettext("Too many requests in a short time."),
        lazy_gettext("Wait a little, then try again."),
    ),
    500: (
        "internal_error",
        lazy_gettext("Something went wrong on our side."),
        lazy_gettext("It was recorded. Try again, and if it happens again, tell us the request id."),
    ),
    503: (
        "unavailable",
        lazy_gettext("The portal cannot answer right now."),
        lazy_gettext("Your data is safe. Please try again in a minute."),
    ),
}
_CSRF = (
    "csrf_failed",
    lazy_gettext("This form is too old to be sent."),
    lazy_gettext("Nothing was changed. Open the page again and repeat your last step."),
)


def init_errors(app: Flask) -> None:
    """Register the handlers. An unknown exception stays Flask's: logged, then shown as a 500."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(PoolTimeout, _unavailable)
    app.register_error_handler(RedisError, _unavailable)


def answer(problem: Problem) -> Response:
    """The problem in the form that the client can read, with its status and headers."""
    if request.path.startswith("/api/"):
        response = _as_json(problem)
    elif is_htmx():
        response = _as_fragment(problem)
    else:
        template = "errors/outage.html" if problem.is_outage else "errors/page.html"
        response = make_response(render_template(template, **_texts(problem)))
    response.status_code = problem.status
    response.headers.update(dict(problem.headers))
    response.headers["Cache-Control"] = "no-store"
    return response


def _domain_error(error: DomainError) -> Response:
    retry_after = error.params.get("retry_after")
    headers = {"Retry-After": str(int(retry_after))} if retry_after else {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(Problem(error.status, error.code, error.message, error.remedy, error.params, headers))


def _csrf_error(_error: CSRFError) -> Response:
    return answer(Problem(400, *_CSRF))


def _http_error(error: HTTPException) -> Any:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error  # a redirect, or an answer that the code raised on purpose
    known = _HTTP_PROBLEMS.get(status) or _HTTP_PROBLEMS[400 if status < 500 else 500]
    sent = dict(error.get_headers(request.environ))
    kept: dict[str, str] = {name: sent[name] for name in ("Allow", "Retry-After", "WWW-Authenticate") if name in sent}
    return answer(Problem(status, *known, headers=kept, is_outage=status >= 500))


def _database_error(error: DBAPIError) -> Response:
    """A database that is away is a 503 and passes; anything else it says is our bug."""
    sqlstate = getattr(error.orig, "sqlstate", None)
    is_away = error.connection_invalidated or sqlstate is None or sqlstate[:2] in _LOST_CONNECTION_CLASSES
    if is_away:
        return _unavailable(error)
    _log.error("the database refused a statement", exc_info=error)
    return answer(Problem(500, *_HTTP_PROBLEMS[500], is_outage=True))


def _unavailable(error: Exception) -> Response:
    _log.error("a part that we depend on does not answer", exc_info=error)
    return answer(Problem(503, *_HTTP_PROBLEMS[503], headers={"Retry-After": "5"}, is_outage=True))


def said(error: DomainError) -> dict[str, str]:
    """An error's ``code``, ``message`` and ``remedy`` for the viewer, to be shown beside the field that caused it."""
    return {
        "code": error.code,
        "message": _say(error.message, error.params),
        "remedy": _say(error.remedy, error.params),
    }


def _say(text: Any, params: Mapping[str, Any]) -> str:
    """The text in the viewer's language, with amounts and moments as the viewer writes them."""
    if not text:
        return ""  # gettext would answer with the header of its catalogue
    translated = gettext(text) if isinstance(text, str) else str(text)
    shown = {name: _shown(value) for name, value in params.items()}
    return translated % shown if shown else translated


def _shown(value: Any) -> Any:
    if isinstance(value, Amount):
        return templating.money(*value)
    return templating.date(value) if isinstance(value, datetime) else value


def _texts(problem: Problem) -> dict[str, Any]:
    return {
        "status": problem.status,
        "code": problem.code,
        "message": _say(problem.message, problem.params),
        "remedy": _say(problem.remedy, problem.params),
        "request_id": g.get("request_id", ""),
        "again_url": _where_to_try_again(),
    }


def _where_to_try_again() -> str | None:
    """This page again, or the page whose form was sent; the referrer is used only as a path of ours."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    referrer = urlsplit(request.referrer or "")
    if referrer.netloc != request.host:
        return None
    return safe_path(f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path)


def _as_fragment(problem: Problem) -> Response:
    texts = _texts(problem)
    body = render_template("errors/_problem.html", **texts) if is_partial() else ""
    response = with_toast(body, f"{texts['message']} {texts['remedy']}".strip(), "bad")
    # The toast says it; swapping the message into a fragment's place would tear the page.
    response.headers["HX-Reswap"] = "none"
    return response


def _as_json(problem: Problem) -> Response:
    texts = _texts(problem)
    response = jsonify(
        type="about:blank",
        title=texts["message"],
        status=problem.status,
        detail=texts["remedy"],
        code=problem.code,
        request_id=texts["request_id"],
    )
    response.mimetype = "application/problem+json"
    return response
