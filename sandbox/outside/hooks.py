"""Receivers for signed webhooks: POST /hooks/<name> keeps what came, byte for byte, and answers as it was told.

A name needs no setting up. Nothing is verified here: the signature is shown as it came, and whoever sends it knows
best what it should be.
"""

import re
import time

from werkzeug.wrappers import Request, Response

from ..store import Store
from .tables import Row, Table

KIND = "_hook"
NAMES = re.compile(r"[\w.-]{1,100}")
_PREFIX = "/hooks/"
_KEPT = 500
_TELLING = re.compile(r"signature|timestamp|webhook|event|delivery|idempotency", re.IGNORECASE)


class Hooks:
    """Answers POST, PUT and PATCH to /hooks/<name>; GET is a page."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def owns(self, method: str, path: str) -> bool:
        """What is sent to a receiver."""
        return method in ("POST", "PUT", "PATCH") and path.startswith(_PREFIX) and "/" not in path[len(_PREFIX) :]

    def mood_key(self, path: str) -> str:
        """Each receiver has a mood of its own."""
        return mood_key(path.removeprefix(_PREFIX))

    def answer(self, request: Request, mode: str) -> Response:
        """Keeps it, and answers 200 or with the status that was set; an unknown shape of name is 404."""
        name = request.path.removeprefix(_PREFIX)
        if not NAMES.fullmatch(name):
            return Response("no such receiver", status=404, content_type="text/plain")
        status = 200 if mode == "normal" else int(mode)
        with self._store.transaction() as work:
            table = Table(work, KIND)
            table.insert(
                {
                    "name": name,
                    "received_at": time.time(),
                    "method": request.method,
                    "query": request.query_string.decode("latin-1"),
                    "headers": [[key, value] for key, value in request.headers.items()],
                    # Latin-1 maps every byte to one character and back, so that a signature can be checked anew.
                    "raw": request.get_data().decode("latin-1"),
                    "answered": status,
                }
            )
            table.keep_newest(_KEPT)
        headers = {"Location": "/hooks/elsewhere"} if 300 <= status < 400 else {}
        headers |= {"Retry-After": "30"} if status in (429, 503) else {}
        return Response("" if status == 204 else "ok", status=status, headers=headers, content_type="text/plain")


def mood_key(name: str) -> str:
    """Under which key the mood of a receiver is kept."""
    return f"hook:{name}"


def told(row: Row) -> Row:
    """A kept request for reading: `headers` as they came, `body` as text, `telling` what belongs to the signature."""
    return {
        **{name: value for name, value in row.items() if name != "raw"},
        "headers": dict(row["headers"]),
        "telling": {key: value for key, value in row["headers"] if _TELLING.search(key)},
        "body": row["raw"].encode("latin-1").decode(errors="replace"),
    }
