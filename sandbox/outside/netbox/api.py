"""NetBox's REST API under /netbox: status, lists, single objects, writing; and a GraphQL that answers nothing.

Quirks kept, each seen in the real program (shared/reference/integrations.md): 403 for a bad token, 400 for an unknown
tenant, silence for a misspelt filter, pages of at most 1000 also with limit=0, counters that know no permissions.
Assumed: which error page an unknown path gets.
"""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from ...store import Store
from ..tables import Row
from . import changes, tokens
from .answers import rendered
from .database import Database
from .errors import Refused, missing, not_modelled
from .filters import filtered, matches
from .models import BY_PATH, Model
from .paging import page
from .seeding import ensure

VERSION = "4.6.8"
MOOD = "netbox"
_BASE = "/netbox"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class NetBox:
    """Answers /netbox/api/… and /netbox/graphql/."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def owns(self, _method: str, path: str) -> bool:
        """The API; /netbox itself is a page."""
        return path.startswith((f"{_BASE}/api", f"{_BASE}/graphql"))

    def mood_key(self, _path: str) -> str:
        """NetBox as a whole has one mood."""
        return MOOD

    def answer(self, request: Request, mode: str) -> Response:
        """JSON, or what Django answers before NetBox has a say."""
        if mode.isdigit() and not mode.startswith("2"):
            return _failure(int(mode))
        path = request.path.removeprefix(_BASE)
        if not path.endswith("/"):
            query = request.query_string.decode("latin-1")
            target = f"{_BASE}{path}/" + (f"?{query}" if query else "")
            return Response("", status=301, headers={"Location": target}, content_type="text/html; charset=utf-8")
        with self._store.transaction() as work:
            database = Database(work)
            ensure(database)
            if path == "/graphql/":
                return _graphql(database, request)
            try:
                status, body = _Call(database, request, path.removeprefix("/api").strip("/")).answer()
            except Refused as error:
                # Nothing half done stays: a list of new objects is taken whole or not at all.
                work.undo()
                status, body = error.status, error.body
        return _json(status, body)


class _Call:
    """One request to the REST API."""

    def __init__(self, database: Database, request: Request, path: str) -> None:
        self.database = database
        self.request = request
        self.path = path
        self.root = request.host_url.rstrip("/") + _BASE
        header = request.headers.get("Authorization")
        self.token = tokens.authenticated(database, header, request.remote_addr)
        self.writes = request.method in _WRITES

    def answer(self) -> tuple[int, Any]:
        """Status and body; Refused for all else."""
        if self.path in ("", "status"):
            return 200, self._overview() if self.path == "" else _status(self.request)
        model = BY_PATH.get(self.path)
        if model is not None:
            return self._listing(model)
        place, _, row_id = self.path.rpartition("/")
        model = BY_PATH.get(place)
        if model is None or not row_id.isdigit():
            raise not_modelled(f"/api/{self.path}/ of NetBox, or there is none")
        return self._single(model, int(row_id))

    def _overview(self) -> Row:
        apps = sorted({path.partition("/")[0] for path in BY_PATH})
        return {app: f"{self.root}/api/{app}/" for app in [*apps, "status"]}

    def _listing(self, model: Model) -> tuple[int, Any]:
        if self.request.method == "POST" and not model.read_only:
            return self._create(model)
        if self.request.method != "GET":
            raise self._not_allowed(model)
        rows = self._visible(model, self.database.rows(model.label))
        params = self.request.args
        rows = _ordered(model, filtered(self.database, model, rows, params), params.get("ordering", ""))
        shown, count, following, previous = page(rows, params, f"{self.root}/api/{model.path}/")
        results = [self._rendered(model, row) for row in shown]
        return 200, {"count": count, "next": following, "previous": previous, "results": results}

    def _create(self, model: Model) -> tuple[int, Any]:
        tokens.constraints(self.token, model.label, writes=True)
        body = self._body()
        many = body if isinstance(body, list) else [body]
        made = []
        for given in many:
            if not isinstance(given, Mapping):
                raise Refused(400, {"non_field_errors": ["Invalid data. Expected a dictionary."]})
            made.append(changes.create(self.database, model, given, self.token["user"]))
        rows = [self._rendered(model, row) for row in made]
        return 201, rows if isinstance(body, list) else rows[0]

    def _single(self, model: Model, row_id: int) -> tuple[int, Any]:
        row = self.database.find(model.label, row_id)
        if row is None or not self._visible(model, [row]):
            raise missing(model.title if model.title.isupper() else model.title.title().replace(" ", ""))
        if self.request.method == "GET":
            return 200, self._rendered(model, row)
        if model.read_only or self.request.method not in ("PUT", "PATCH", "DELETE"):
            raise self._not_allowed(model)
        user = self.token["user"]
        if self.request.method == "DELETE":
            changes.delete(self.database, model, row_id, user)
            return 204, None
        body = self._body()
        if not isinstance(body, Mapping):
            raise Refused(400, {"non_field_errors": ["Invalid data. Expected a dictionary."]})
        return 200, self._rendered(model, changes.update(self.database, model, row_id, body, user))

    def _visible(self, model: Model, rows: list[Row]) -> list[Row]:
        """What the token may see: with constraints fewer, and nothing in the answer says so."""
        constraints = tokens.constraints(self.token, model.label, writes=self.writes)
        if not constraints:
            return rows
        return [row for row in rows if any(matches(self.database, model, row, dict(each)) for each in constraints)]

    def _rendered(self, model: Model, row: Row) -> Row:
        params = self.request.args
        fields: tuple[str, ...] = ()
        if params.get("fields"):
            fields = tuple(params["fields"].split(","))
        elif params.get("omit"):
            fields = tuple(name for name in model.fields if name not in params["omit"].split(","))
        elif params.get("brief") and self.request.method == "GET":
            fields = model.brief
        return rendered(self.database, self.root, model, row, fields)

    def _body(self) -> Any:
        try:
            return json.loads(self.request.get_data() or b"{}")
        except ValueError as error:
            raise Refused(400, {"detail": f"JSON parse error - {error}"}) from error

    def _not_allowed(self, model: Model) -> Refused:
        if self.writes and self.path == model.path and not model.read_only:
            return not_modelled(f"{self.request.method} on a whole list")
        return Refused(405, {"detail": f'Method "{self.request.method}" not allowed.'})


def _ordered(model: Model, rows: list[Row], ordering: str) -> list[Row]:
    """By the fields of `ordering` as far as they are known; by name, or id where there is none, without it."""
    names = [name for name in ordering.split(",") if name.lstrip("-") in model.fields]
    for name in reversed(names or [model.named_by[0] if model.named_by[0] != "object_repr" else "-id"]):
        field = name.lstrip("-")
        rows = sorted(rows, key=lambda row: _key(row.get(field)), reverse=name.startswith("-"))
    return rows


def _key(value: Any) -> tuple[bool, list[tuple[int, str]]]:
    """Numbers inside names count as numbers: device-2 comes before device-10, and what has no value at the end."""
    parts = re.findall(r"(\d+)|(\D+)", "" if value is None else str(value))
    return value is None, [(int(digits or 0), text) for digits, text in parts]


def _status(request: Request) -> Row:
    return {
        "django-version": "5.2.8",
        "hostname": request.host.partition(":")[0],
        "installed_apps": {},
        "netbox-version": VERSION,
        "netbox-full-version": VERSION,
        "plugins": {},
        "python-version": "3.12.11",
        "rq-workers-running": 1,
    }


def _graphql(database: Database, request: Request) -> Response:
    """Not modelled, in NetBox's manner: an error with 200, and a login page for whoever shows no token."""
    try:
        tokens.authenticated(database, request.headers.get("Authorization"), request.remote_addr)
    except Refused:
        login = f"{_BASE}/login/?next={_BASE}/graphql/"
        return Response("", status=302, headers={"Location": login}, content_type="text/html; charset=utf-8")
    problem = "The sandbox does not model GraphQL; do not bill from it, it is cut at 1000 rows without a word."
    return _json(200, {"data": None, "errors": [{"message": problem, "locations": [], "path": None}]})


def _json(status: int, body: Any) -> Response:
    headers = {"API-Version": "4.6", "X-Request-ID": str(uuid.uuid4()), "Vary": "HX-Request"}
    text = "" if status == 204 else json.dumps(body, ensure_ascii=False)
    return Response(text, status=status, headers=headers, content_type="application/json")


def _failure(status: int) -> Response:
    """500 as NetBox tells an exception; other statuses as the web server in front of it would."""
    if status == 500:
        body = {
            "error": "A fault that a test asked for",
            "exception": "OperationalError",
            "netbox_version": VERSION,
            "python_version": "3.12.11",
        }
        return _json(500, body)
    headers = {"Retry-After": "30"} if status in (429, 503) else {}
    page_text = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return Response(page_text, status=status, headers=headers, content_type="text/html")
