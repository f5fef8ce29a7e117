"""Odoo's two ways of being called: JSON-2 (19 and later, a bearer key) and JSON-RPC (14 to 18, database and login)."""

from collections.abc import Mapping, Sequence
from typing import Any

import requests

from portal.sources.base import Connection
from portal.sources.errors import KeyRefused, PermissionMissing, TooOld, Unreachable, Unreadable
from portal.sources.http import SourceSession

_OLDEST = 14
_JSON_2_SINCE = 19
_MISSING = ("builtins.KeyError", "werkzeug.exceptions.NotFound")
_DENIED = ("odoo.exceptions.AccessDenied", "werkzeug.exceptions.Unauthorized")


class ModelMissing(Unreadable):
    """The model is not there: its app is not installed."""


class Wire:
    """Calls of methods with named arguments, in whichever way the connection is set up for. Used within ``with``."""

    def __init__(self, connection: Connection) -> None:
        self._at = connection.base_url
        self._key = connection.secret
        self._database = connection.options.get("database", "")
        self._login = connection.options.get("login", "")
        self._session = SourceSession(connection.base_url)
        self._user_id: int | None = None
        self.major = 0

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @property
    def is_old(self) -> bool:
        """Whether it is spoken to by JSON-RPC: a login was given."""
        return bool(self._login)

    def version(self) -> str:
        """The server's, as it says it ("19.0"). Raises :class:`TooOld`."""
        if self.is_old:
            said = self._rpc("common", "version", [])
            info, text = said.get("server_version_info"), said.get("server_version")
        else:
            answer = self._send("GET", "/web/version")
            said = _json(answer) if answer.ok else {}
            info, text = said.get("version_info"), said.get("version")
        if not isinstance(info, list) or not info or not isinstance(text, str):
            raise Unreadable
        # Odoo Online calls itself "saas~18.4".
        major = "".join(letter for letter in str(info[0]).partition(".")[0] if letter.isdigit())
        self.major = int(major or 0)
        if self.major < (_OLDEST if self.is_old else _JSON_2_SINCE):
            raise TooOld
        return text[:30]

    def user_id(self) -> int:
        """Whose key it is. Raises :class:`KeyRefused`."""
        if self._user_id is None:
            if self.is_old:
                found = self._rpc("common", "authenticate", [self._database, self._login, self._key, {}])
            else:
                found = self.call("res.users", "context_get").get("uid")
            if not isinstance(found, int) or isinstance(found, bool):
                raise KeyRefused
            self._user_id = found
        return self._user_id

    def call(self, model: str, method: str, *, ids: Sequence[int] = (), **arguments: Any) -> Any:
        """What the method answers. Raises :class:`portal.sources.errors.SourceError` subclasses."""
        if self.is_old:
            first = [list(ids)] if ids else []
            whole = [self._database, self.user_id(), self._key, model, method, first, arguments]
            return self._rpc("object", "execute_kw", whole)
        headers = {"Authorization": f"bearer {self._key}"}
        if self._database:
            headers["X-Odoo-Database"] = self._database
        body = {**arguments, **({"ids": list(ids)} if ids else {})}
        answer = self._send("POST", f"/json/2/{model}/{method}", json=body, headers=headers)
        if answer.ok:
            return _json(answer)
        if answer.status_code == 401:
            raise KeyRefused
        if answer.status_code == 403:
            raise PermissionMissing
        if answer.status_code == 404:
            raise ModelMissing
        raise Unreadable  # also a 500: that is how Odoo names a field that it does not have

    def _rpc(self, service: str, method: str, arguments: list[Any]) -> Any:
        """JSON-RPC answers 200 with ``error``, whatever went wrong; its traceback is not looked at."""
        params = {"service": service, "method": method, "args": arguments}
        answer = self._send("POST", "/jsonrpc", json={"jsonrpc": "2.0", "method": "call", "params": params, "id": 1})
        said = _json(answer)
        if not isinstance(said, Mapping):
            raise Unreadable
        if "error" not in said:
            return said.get("result")
        data = said["error"].get("data") or {} if isinstance(said["error"], Mapping) else {}
        name = str(data.get("name"))
        if name in _DENIED:
            raise KeyRefused
        if name in _MISSING:
            raise ModelMissing
        raise PermissionMissing if name.endswith("AccessError") else Unreadable

    def _send(self, verb: str, path: str, **kwargs: Any) -> requests.Response:
        answer = self._session.request(verb, f"{self._at}{path}", **kwargs)
        if answer.status_code == 500 and "OperationalError" in answer.text[:2000]:
            raise Unreachable
        return answer


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise Unreadable from error
