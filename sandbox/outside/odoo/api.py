"""Odoo over HTTP, under /odoo: JSON-2, the old JSON-RPC, and /web/version.

Quirks kept (shared/reference/integrations.md): a JSON-RPC error comes with status 200; an unknown database is an HTML
404; an unknown field in a domain is a 500; every error carries a traceback in `debug`.
"""

import json
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from ...engine.work import Work
from ...store import Store
from . import keys
from .env import Env
from .errors import OdooError, access_denied, http_error, not_modelled
from .methods import find
from .seeding import DATABASE, ensure

MOOD = "odoo"
VERSION = "19.0"
_VERSION_INFO = [19, 0, 0, "final", 0, ""]
_BASE = "/odoo"


class Odoo:
    """Answers /odoo/json/2/…, /odoo/jsonrpc and /odoo/web/version."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def owns(self, _method: str, path: str) -> bool:
        """The APIs; /odoo itself is a page."""
        return path.startswith((f"{_BASE}/json", f"{_BASE}/web/", f"{_BASE}/xmlrpc"))

    def mood_key(self, _path: str) -> str:
        """Odoo as a whole has one mood."""
        return MOOD

    def answer(self, request: Request, mode: str) -> Response:
        """The answer, or a failure of the server or of the proxy before it."""
        if mode.isdigit() and not mode.startswith("2"):
            return _failure(int(mode))
        path = request.path.removeprefix(_BASE)
        if path == "/web/version":
            return _json({"version_info": _VERSION_INFO, "version": VERSION})
        if path == "/jsonrpc":
            return self._json_rpc(request)
        if path.startswith("/json/2"):
            return self._json_2(request, path.removeprefix("/json/2").strip("/"))
        return _page(404)

    def _json_2(self, request: Request, path: str) -> Response:
        if request.headers.get("X-Odoo-Database", DATABASE) != DATABASE:
            return _page(404)
        with self._store.transaction() as work:
            ensure(work)
            try:
                return _json(_called(work, request, path))
            except OdooError as error:
                work.undo()
                return _json(error.as_json(), error.status)

    def _json_rpc(self, request: Request) -> Response:
        try:
            call = json.loads(request.get_data())
            params = call["params"]
            service, method, arguments = params["service"], params["method"], params["args"]
        except (ValueError, KeyError, TypeError):
            return _page(400)
        told: dict[str, Any] = {"jsonrpc": "2.0", "id": call.get("id")}
        with self._store.transaction() as work:
            ensure(work)
            try:
                told["result"] = _served(work, str(service), str(method), list(arguments))
            except OdooError as error:
                work.undo()
                told["error"] = {"code": 200, "message": "Odoo Server Error", "data": error.as_json()}
        return _json(told)


def _called(work: Work, request: Request, path: str) -> Any:
    """A call of JSON-2: named arguments only, `ids` and `context` beside them."""
    model, _, method = path.partition("/")
    if request.method != "POST" or not method or "/" in method:
        raise http_error(404, "NotFound", "Did you mean POST /json/2/<model>/<method>?")
    user = keys.of_bearer(work, request.headers.get("Authorization"))
    if request.mimetype != "application/json":
        problem = f"Request inferred type is compatible with ['http'] but '/json/2/{path}' is type='json2'."
        raise http_error(415, "UnsupportedMediaType", problem)
    arguments = _arguments(request)
    ids, context = arguments.pop("ids", []), arguments.pop("context", {})
    env = Env(work, user, context)
    found = find(env, model, method)
    if ids and not found.of_records:
        raise http_error(422, "UnprocessableEntity", f"cannot call {model}.{method} with ids")
    many = [ids] if isinstance(ids, int) else list(ids)
    try:
        found.check(arguments)
    except TypeError as error:
        raise http_error(422, "UnprocessableEntity", str(error)) from error
    return found.run(env, model, *([many] if found.of_records else []), **arguments)


def _arguments(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise http_error(400, "BadRequest", f"could not parse the body as json: {error}") from error
    if not isinstance(body, Mapping):
        raise http_error(400, "BadRequest", "could not parse the body, expecting a json object")
    return dict(body)


def _served(work: Work, service: str, method: str, arguments: list[Any]) -> Any:
    """A call of JSON-RPC: services common and object."""
    if service == "common" and method == "version":
        return {
            "server_version": VERSION,
            "server_version_info": _VERSION_INFO,
            "server_serie": VERSION,
            "protocol_version": 1,
        }
    if service not in ("common", "object"):
        raise not_modelled(f"the service {service} of JSON-RPC")
    if not arguments or arguments[0] != DATABASE:
        name = arguments[0] if arguments else ""
        raise OdooError(500, "psycopg2.OperationalError", f'database "{name}" does not exist')
    if service == "common":
        user = keys.of_login(work, str(arguments[1]), str(arguments[2])) if len(arguments) > 2 else None
        return user["id"] if user is not None else False
    return _executed(work, method, arguments)


def _executed(work: Work, method: str, arguments: list[Any]) -> Any:
    if len(arguments) < 5 or method not in ("execute", "execute_kw"):
        raise not_modelled(f"object.{method} with {len(arguments)} arguments")
    _, user_id, password, model, name, *rest = arguments
    owner = keys.of_key(work, str(password))
    if owner is None or owner["id"] != user_id:
        raise access_denied()
    positional, named = (rest, {}) if method == "execute" else (_at(rest, 0, []), dict(_at(rest, 1, {})))
    env = Env(work, owner, named.pop("context", {}))
    found = find(env, str(model), str(name))
    ids: list[int] = []
    if found.of_records:
        first, *positional = positional or [[]]
        ids = [first] if isinstance(first, int) else list(first or [])
    try:
        found.check(named, positional)
    except TypeError as error:
        raise OdooError(500, "builtins.TypeError", str(error)) from error
    result = found.run(env, model, *([ids] if found.of_records else []), *positional, **named)
    given = positional[0] if positional else named.get("vals_list")
    # The old API answers one id for one dictionary.
    return result[0] if name == "create" and isinstance(given, Mapping) else result


def _at(values: list[Any], place: int, otherwise: Any) -> Any:
    return values[place] if len(values) > place and values[place] is not None else otherwise


def _json(body: Any, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status=status, content_type="application/json; charset=utf-8")


def _page(status: int) -> Response:
    titles = {400: "Bad Request", 404: "Not Found", 502: "Bad Gateway", 503: "Service Unavailable"}
    title = titles.get(status, "Error")
    text = f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n"
    headers = {"Retry-After": "30"} if status in (429, 503) else {}
    return Response(text, status=status, headers=headers, content_type="text/html; charset=utf-8")


def _failure(status: int) -> Response:
    if status != 500:
        return _page(status)
    return _json(OdooError(500, "psycopg2.OperationalError", "A fault that a test asked for").as_json(), 500)
